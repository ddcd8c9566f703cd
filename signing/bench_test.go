package signing_test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/openchannels/pusher-go/signing"
)

// A publish of about 200 bytes and a query with a filter. The floor of the query has
// no MD5, so that decoding, sorting and escaping have more weight in its ratio.
var benchmarks = []struct {
	name, method, url, path, body, query string
	maxRatio                             float64 // of BenchmarkSigner_Edit to BenchmarkFloor
}{
	{
		name: "POST", method: "POST",
		url: "https://api-mt1.pusher.com/apps/3/events", path: "/apps/3/events",
		body:     `{"name":"order-updated","channels":["private-orders-1234"],"data":"` + strings.Repeat("x", 130) + `"}`,
		query:    authParams + "&body_md5=ec365a775a4cd0599faeb73354201b6f",
		maxRatio: 4.5,
	},
	{
		name: "GET", method: "GET",
		url: "https://api-mt1.pusher.com/apps/3/channels?filter_by_prefix=presence-&info=user_count", path: "/apps/3/channels",
		query:    authParams + "&filter_by_prefix=presence-&info=user_count",
		maxRatio: 8,
	},
}

func BenchmarkSigner_Edit(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			signer, ctx := mustSigner(b, docsKey, docsSecret), context.Background()
			req := mustRequest(b, bm.method, bm.url, bm.body)
			query := req.URL.RawQuery
			b.ReportAllocs()
			for b.Loop() {
				req.URL.RawQuery = query
				if err := signer.Edit(ctx, req); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(bm.maxRatio, "max-ratio")
		})
	}
}

// BenchmarkSigner_Edit_Parallel shows the cost of sharing a signer between goroutines.
func BenchmarkSigner_Edit_Parallel(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			signer, ctx := mustSigner(b, docsKey, docsSecret), context.Background()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				req := mustRequest(b, bm.method, bm.url, bm.body)
				query := req.URL.RawQuery
				for pb.Next() {
					req.URL.RawQuery = query
					if err := signer.Edit(ctx, req); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkFloor is the least that any implementation has to do: the HMAC of the
// string to sign and the MD5 of the body.
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
			if err := edit(b, docsKey, docsSecret, docsTime, req); err != nil {
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
