package feed_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// A program that prints the verdict ten times a second.
func ExampleReader() {
	answer, err := http.Get("http://localhost:8080/-/xray/stream")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	stream := feed.NewReader(answer.Body)
	if _, err := stream.Hello(); err != nil {
		log.Fatal(err)
	}
	for {
		frame, err := stream.Next()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(frame.Words)
	}
}
