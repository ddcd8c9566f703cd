// Command samples runs the Go samples of openapi.yaml. TestCodeSamples_Go adds the
// file samples.go, in which each sample is a function, when it builds the command.
//
// It runs the samples in the order of their names, and then serves the requests on
// its standard input with the handlers that samples have registered. It prints a
// headline before the output of each sample and of each request.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/openchannels/pusher-go/pusher"
)

func main() {
	client, err := pusher.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	for _, sample := range samples {
		fmt.Println("==", sample.name)
		if err := sample.run(context.Background(), client); err != nil {
			log.Fatalf("%s: %v", sample.name, err)
		}
	}
	for requests := bufio.NewReader(os.Stdin); ; {
		r, err := http.ReadRequest(requests)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("==", r.Method, r.URL.Path)
		w := httptest.NewRecorder()
		http.DefaultServeMux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
}
