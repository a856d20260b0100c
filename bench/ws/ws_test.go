package ws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// dial returns a connection to a server of net/http.
func dial(t *testing.T, handler http.HandlerFunc) (c net.Conn, address string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	address = s.Listener.Addr().String()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, address
}

func TestAnotherImplementationEchoesOurFrames(t *testing.T) {
	c, address := dial(t, func(w http.ResponseWriter, r *http.Request) {
		s, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer s.CloseNow()
		s.SetReadLimit(1 << 20)
		for {
			kind, p, err := s.Read(context.Background())
			if err != nil {
				return
			}
			if err := s.Write(context.Background(), kind, p); err != nil {
				t.Error(err)
			}
		}
	})
	if err := Open(c, address, "/", []string{"X-Name: value"}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 64, 125, 126, 16 << 10, 1<<16 - 1, 1 << 16} {
		want := Message(n)
		if len(want) != n {
			t.Fatalf("a message of %d bytes has %d", n, len(want))
		}
		if _, err := c.Write(FromClient(want)); err != nil {
			t.Fatal(err)
		}
		got, length, err := Read(c)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("of %d bytes %d come back: %v", n, len(got), err)
		}
		if want := len(FromServer(want)); length != want {
			t.Errorf("the frame of %d bytes has %d, want %d", n, length, want)
		}
	}
}

func TestAHandshakeThatIsNotAcceptedIsAnError(t *testing.T) {
	tests := []struct{ name, answer, err string }{
		{"another status", "HTTP/1.1 404 Not Found\r\n\r\n", `the answer is "HTTP/1.1 404 Not Found"`},
		{"no proof", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "Sec-WebSocket-Accept is missing"},
		{"the proof for another key", "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: abc=\r\n\r\n", `is "abc="`},
		{"an extension", "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "an extension"},
		{"a message at once", "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accepted + "\r\n\r\n\x81\x00", "2 bytes follow"},
		{"the end", "HTTP/1.1 101 Switching", "EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Open(struct {
				io.Reader
				io.Writer
			}{strings.NewReader(test.answer), io.Discard}, "a", "/", nil)
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
		})
	}
}

func TestAFrameThatIsNoWholeTextIsAnError(t *testing.T) {
	for _, frame := range []string{"\x01\x01a", "\x82\x01a", "\x88\x00", "\x81\x81abcda", "\x81\x7f\x01\x00\x00\x00\x00\x00\x00\x00"} {
		if p, _, err := Read(strings.NewReader(frame)); err == nil {
			t.Errorf("%s is read as %q", fmt.Sprintf("%x", frame), p)
		}
	}
}
