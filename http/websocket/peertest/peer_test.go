// Package peertest has clients of github.com/coder/websocket talk to sessions of bobbin. It is
// a module of its own, because bobbin itself needs no other WebSocket.
package peertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	peer "github.com/coder/websocket"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/websocket"
)

// patience is the time that a conversation may take, or a mistake would hang the test.
const patience = 5 * time.Minute

// serve runs a server, and returns its address and how to stop it. The function in before is
// called when it does not run yet.
func serve(t *testing.T, h http.Handler, before func(*http.Server)) (url string, stop func()) {
	t.Helper()
	s, err := http.NewServer(http.Config{Handler: h, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if before != nil {
		before(s)
	}
	over := make(chan error)
	go func() { over <- s.Run() }()
	return "ws://" + listeners[0].Addr().String(), sync.OnceFunc(func() {
		s.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

// options are those of all servers here.
var options = websocket.Options{Deflate: true, Protocols: []string{"echo"}, Limits: websocket.Limits{MessageSize: 4 << 20}}

// styles are an echo in each of the two styles. A text "close" ends the session.
var styles = map[string]http.Handler{
	"callbacks": func(w *http.Response, r *http.Request) error {
		s, err := websocket.Accept(w, r, options)
		if err != nil {
			return err
		}
		s.OnMessage(func(kind websocket.Kind, p []byte) {
			if string(p) == "close" {
				s.Close(4001, "enough ✓")
			} else {
				s.Send(kind, p)
			}
		})
		return nil
	},
	"Streaming": websocket.Streaming(options, func(s *websocket.Session) error {
		for {
			kind, p, err := s.Read()
			if err != nil {
				return err
			}
			if string(p) == "close" {
				return s.Close(4001, "enough ✓")
			}
			if err := s.Send(kind, p); err != nil {
				return err
			}
		}
	}),
}

// modes are what a client may offer.
var modes = map[string]peer.CompressionMode{
	"plain":         peer.CompressionDisabled,
	"deflated":      peer.CompressionNoContextTakeover,
	"with contexts": peer.CompressionContextTakeover,
}

// each runs a test for each style and each mode.
func each(t *testing.T, test func(t *testing.T, ctx context.Context, dial func() *peer.Conn)) {
	for style, handler := range styles {
		for name, mode := range modes {
			t.Run(style+", "+name, func(t *testing.T) {
				url, stop := serve(t, handler, nil)
				defer stop()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				test(t, ctx, func() *peer.Conn {
					c, _, err := peer.Dial(ctx, url, &peer.DialOptions{CompressionMode: mode, CompressionThreshold: 1, Subprotocols: []string{"other", "echo"}})
					if err != nil {
						t.Fatal(err)
					}
					c.SetReadLimit(-1)
					return c
				})
			})
		}
	}
}

// TestMessagesComeBack has sizes around those at which a frame changes its form, in one frame
// and in several, one after the other and at once.
func TestMessagesComeBack(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, dial func() *peer.Conn) {
		c := dial()
		defer c.CloseNow()
		if p := c.Subprotocol(); p != "echo" {
			t.Errorf("the subprotocol is %q", p)
		}
		hear := func(want string) {
			t.Helper()
			kind, p, err := c.Read(ctx)
			if err != nil || kind != peer.MessageText || string(p) != want {
				t.Fatalf("%v, %.60q of %d bytes, %v", kind, p, len(p), err)
			}
		}
		var all []string
		for _, n := range []int{0, 1, 125, 126, 127, 511, 512, 513, 65_535, 65_536, 65_537, 1 << 20} {
			all = append(all, strings.Repeat("€", n/3)+strings.Repeat("x", n%3))
		}
		for _, m := range all {
			if err := c.Write(ctx, peer.MessageText, []byte(m)); err != nil {
				t.Fatal(err)
			}
			hear(m)
			w, err := c.Writer(ctx, peer.MessageText)
			if err != nil {
				t.Fatal(err)
			}
			for p := []byte(m); len(p) > 0; { // cut within characters
				n := min(len(p), 1+len(m)/7)
				w.Write(p[:n])
				p = p[n:]
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			hear(m)
		}
		go func() {
			for _, m := range all {
				c.Write(ctx, peer.MessageText, []byte(m))
			}
		}()
		for _, m := range all {
			hear(m)
		}
		c.CloseRead(ctx)
		if err := c.Ping(ctx); err != nil {
			t.Error(err)
		}
		if err := c.Close(4000, "bye"); err != nil {
			t.Error(err)
		}
	})
}

// TestSessionsEndAsBothSay has the server close, and the client break rules.
func TestSessionsEndAsBothSay(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, dial func() *peer.Conn) {
		for say, want := range map[string]struct {
			kind peer.MessageType
			code peer.StatusCode
		}{
			"close":                     {peer.MessageText, 4001},
			"\xff is no text":           {peer.MessageText, 1007},
			strings.Repeat("x", 5<<20):  {peer.MessageText, 1009},
			strings.Repeat("\x00", 5e6): {peer.MessageBinary, 1009},
		} {
			c := dial()
			c.Write(ctx, want.kind, []byte(say)) // whose end may not be taken
			if _, _, err := c.Read(ctx); peer.CloseStatus(err) != want.code {
				t.Errorf("%.20q ends with %v, and not with %d", say, err, want.code)
			}
			c.CloseNow()
		}
	})
}

// TestManyAtOnce has clients that talk at the same time, each of which must hear its own.
func TestManyAtOnce(t *testing.T) {
	const clients, messages = 40, 50
	each(t, func(t *testing.T, ctx context.Context, dial func() *peer.Conn) {
		var all sync.WaitGroup
		for i := range clients {
			c := dial()
			all.Go(func() {
				defer c.CloseNow()
				for n := range messages {
					m := bytes.Repeat(fmt.Appendf(nil, "%d of %d ", n, i), 1+n*n)
					if err := c.Write(ctx, peer.MessageBinary, m); err != nil {
						t.Error(err)
						return
					}
					if _, p, err := c.Read(ctx); err != nil || !bytes.Equal(p, m) {
						t.Errorf("%.40q of %d bytes, %v", p, len(p), err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// TestATopicReachesAll has many clients, some of which take deflated messages, hear all that is
// published, in order, and the stop of the server.
func TestATopicReachesAll(t *testing.T) {
	const clients, messages = 60, 40
	var topic *websocket.Topic
	url, stop := serve(t, func(w *http.Response, r *http.Request) error {
		s, err := websocket.Accept(w, r, options)
		if err == nil {
			topic.Subscribe(s, nil)
		}
		return err
	}, func(s *http.Server) { topic = websocket.NewTopic(s) })
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	text := func(n int) string { return strings.Repeat(fmt.Sprint("message ", n, ". "), 1+n*n/10) }
	var all, heard sync.WaitGroup
	for i := range clients {
		mode := modes[[]string{"plain", "deflated", "with contexts"}[i%3]]
		c, _, err := peer.Dial(ctx, url, &peer.DialOptions{CompressionMode: mode})
		if err != nil {
			t.Fatal(err)
		}
		heard.Add(1)
		all.Go(func() {
			defer c.CloseNow()
			for n := range messages {
				if _, p, err := c.Read(ctx); err != nil || string(p) != text(n) {
					t.Errorf("number %d is %.40q of %d bytes, %v", n, p, len(p), err)
					heard.Done()
					return
				}
			}
			heard.Done()
			if _, _, err := c.Read(ctx); peer.CloseStatus(err) != peer.StatusGoingAway {
				t.Errorf("the end is %v", err)
			}
		})
	}
	for n := range messages {
		if err := topic.Post(websocket.Prepare(websocket.Text, []byte(text(n)))); err != nil {
			t.Error(err)
		}
	}
	heard.Wait()
	stop()
	all.Wait()
}

// TestRefusals has handshakes that are refused.
func TestRefusals(t *testing.T) {
	url, stop := serve(t, styles["callbacks"], nil)
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for origin, status := range map[string]int{"http://elsewhere.example": 403, strings.Replace(url, "ws:", "https:", 1): 101} {
		c, answer, err := peer.Dial(ctx, url, &peer.DialOptions{HTTPHeader: map[string][]string{"Origin": {origin}}})
		if answer == nil || answer.StatusCode != status {
			t.Errorf("a page of %s: %v", origin, err)
		}
		if err == nil {
			c.Close(peer.StatusNormalClosure, "")
		} else if answer != nil {
			io.Copy(io.Discard, answer.Body)
		}
	}
}
