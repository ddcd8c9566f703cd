module github.com/openchannels/pusher-go/internal/test/official

go 1.26.0

replace github.com/openchannels/pusher-go => ../../..

require (
	github.com/openchannels/pusher-go v0.1.0
	github.com/pusher/pusher-http-go/v5 v5.1.1
)

require (
	github.com/apapsch/go-jsonmerge/v2 v2.0.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/oapi-codegen/runtime v1.8.0 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
