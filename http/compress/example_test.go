package compress_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/bobbin-http/bobbin/http/compress"
)

func ExampleGzip() {
	page := bytes.Repeat([]byte("the same line again and again\n"), 1000)
	packed := compress.Gzip(nil, page)
	fmt.Println("shorter:", len(packed) < len(page)/10)

	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		fmt.Println(err)
		return
	}
	unpacked, err := io.ReadAll(r)
	fmt.Println("the same:", bytes.Equal(unpacked, page), err)
	// Output:
	// shorter: true
	// the same: true <nil>
}
