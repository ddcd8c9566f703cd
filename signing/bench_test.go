package signing_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/signing"
)

// The two requests that clients make: a publish of some 200 bytes and a query
// with a filter. The query has no body and so no MD5 in its floor, next to which
// decoding, sorting and escaping weigh more.
var benchmarks = []struct {
	name, method, url, path, body, query string
	maxRatio                             float64 // of signing to the floor
}{
	{
		name: "POST", method: "POST",
		url: "https://api-mt1.pusher.com/apps/3/events", path: "/apps/3/events",
		body:     `{"name":"order-updated","channels":["private-orders-1234"],"data":"` + strings.Repeat("x", 130) + `"}`,
		query:    authParams + "&body_md5=ec365a775a4cd0599faeb73354201b6f",
		maxRatio: 3,
	},
	{
		name: "GET", method: "GET",
		url: "https://api-mt1.pusher.com/apps/3/channels?filter_by_prefix=presence-&info=user_count", path: "/apps/3/channels",
		query:    authParams + "&filter_by_prefix=presence-&info=user_count",
		maxRatio: 3,
	},
}

func BenchmarkSign(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			signer := mustSigner(b, docsKey, docsSecret)
			req := mustRequest(b, bm.method, bm.url, bm.body)
			query := req.URL.RawQuery
			b.ReportAllocs()
			for b.Loop() {
				req.URL.RawQuery = query
				if err := signer.Sign(req, docsTime); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(bm.maxRatio, "max-ratio")
		})
	}
}

// BenchmarkSignParallel shows what goroutines that share a signer cost each other.
func BenchmarkSignParallel(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			signer := mustSigner(b, docsKey, docsSecret)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				req := mustRequest(b, bm.method, bm.url, bm.body)
				query := req.URL.RawQuery
				for pb.Next() {
					req.URL.RawQuery = query
					if err := signer.Sign(req, docsTime); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkFloor is what no signer can go below: the HMAC, keyed in advance, of
// the string to sign, and the MD5 of the body if there is one.
func BenchmarkFloor(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			mac := hmac.New(sha256.New, []byte(docsSecret))
			text := []byte(bm.method + "\n" + bm.path + "\n" + bm.query)
			body := []byte(bm.body)
			sum := make([]byte, 0, sha256.Size)
			b.ReportAllocs()
			for b.Loop() {
				if len(body) > 0 {
					bodySum := md5.Sum(body)
					_ = bodySum
				}
				mac.Reset()
				mac.Write(text)
				sum = mac.Sum(sum[:0])
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			req := mustRequest(b, bm.method, bm.url, bm.body)
			if err := mustSigner(b, docsKey, docsSecret).Sign(req, docsTime); err != nil {
				b.Fatal(err)
			}
			body := []byte(bm.body)
			secret := signing.NewSecret(docsSecret)
			secretOf := func(string) *signing.Secret { return secret }
			b.ReportAllocs()
			for b.Loop() {
				if err := signing.Verify(req, body, secretOf, docsTime.Add(time.Second)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
