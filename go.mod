module github.com/openchannels/pusher-go

go 1.25.0
