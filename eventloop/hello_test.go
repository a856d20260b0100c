package eventloop

import (
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// inRecords cuts a message into records of a size.
func inRecords(p []byte, size int) []byte {
	var cut []byte
	for len(p) > 0 {
		n := min(len(p), size)
		cut = append(cut, handshakeRecord, 3, 1, byte(n>>8), byte(n))
		cut = append(cut, p[:n]...)
		p = p[n:]
	}
	return cut
}

// declares makes a message that says how long it is, and so much of it.
func declares(kind byte, size, have int) []byte {
	return append([]byte{kind, byte(size >> 16), byte(size >> 8), byte(size)}, make([]byte, have)...)
}

func TestTheFirstMessageIsJudgedByItsHead(t *testing.T) {
	const most = 16 << 10
	for _, row := range []struct {
		name     string
		p        []byte
		complete bool
		alert    byte
	}{
		{"a whole hello is complete", inRecords(declares(clientHello, 300, 300), 1<<14), true, 0},
		{"without its last byte it is not", inRecords(declares(clientHello, 300, 299), 1<<14), false, 0},
		{"one in records of a byte is complete", inRecords(declares(clientHello, 300, 300), 1), true, 0},
		{"without its last record it is not", inRecords(declares(clientHello, 300, 299), 1), false, 0},
		{"one of the largest size is complete", inRecords(declares(clientHello, most, most), 1<<14), true, 0},
		{"one that declares a byte more is refused by its head", inRecords(declares(clientHello, most+1, 0), 1<<14), false, alertIllegalParameter},
		{"and also when that is in records of a byte", inRecords(declares(clientHello, 65_520, 0), 1), false, alertIllegalParameter},
		{"the head may be here before its record is", inRecords(declares(clientHello, 65_520, 1000), 1<<14)[:recordHead+messageHead], false, alertIllegalParameter},
		{"three bytes of a head say nothing", inRecords(declares(clientHello, 65_520, 1000), 1<<14)[:recordHead+messageHead-1], false, 0},
		{"another message is refused", inRecords(declares(11, 300, 300), 1<<14), false, alertUnexpectedMessage},
		{"records that take more than twice the message are refused", inRecords(declares(clientHello, most, 6000), 1), false, alertIllegalParameter},
		{"a record of another kind is left to crypto/tls", append(inRecords(declares(clientHello, 300, 100), 1<<14), 23, 3, 1, 0, 1), true, 0},
		{"an empty record is left to crypto/tls", []byte{handshakeRecord, 3, 1, 0, 0}, true, 0},
	} {
		var whole firstMessage
		complete, alert := whole.look(row.p, most)
		if complete != row.complete || alert != row.alert {
			t.Errorf("%s: %v, alert %d", row.name, complete, alert)
		}
		var pieces firstMessage
		for n := range row.p {
			if complete, alert = pieces.look(row.p[:n+1], most); alert != 0 {
				break
			}
		}
		if complete != row.complete || alert != row.alert {
			t.Errorf("%s, byte by byte: %v, alert %d", row.name, complete, alert)
		}
	}
}

// TestAHelloThatIsTooLargeIsToldSo is the same on a connection.
func TestAHelloThatIsTooLargeIsToldSo(t *testing.T) {
	h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, func(*Conn) Protocol { return echoing() })
	h.call(func(l *line) {
		l.s.Send(l.w, inRecords(declares(clientHello, 65_520, 0), 100))
		p, err := l.s.Receive(l.w, nil, 100)
		if want := "\x15\x03\x01\x00\x02\x02\x2f"; string(p) != want || err != nil {
			t.Errorf("heard %x, %v", p, err)
		}
		if h.handshakes.oldest != nil {
			t.Error("the handshake is still under way")
		}
		l.w.Close()
	})
	if err := h.over(); err != nil {
		t.Error(err)
	}
}

// from has a client at another address call.
func (h *house) from(address string, f func(l *line)) {
	h.k.Go(func(s *sim.Script) {
		w, err := h.k.DialFrom(netip.MustParseAddr(address), 443)
		if err != nil {
			h.t.Error(err)
			return
		}
		f(&line{s: s, w: w})
	})
}

// TestTheClientWhoseHandshakesHoldMostPays has one client hold as much as it can, in
// several ways, while another makes a handshake, slowly.
func TestTheClientWhoseHandshakesHoldMostPays(t *testing.T) {
	const total, greedy = 1 << 20, 300
	for _, row := range []struct {
		name string
		say  []byte
	}{
		{"by hellos that never end", inRecords(declares(clientHello, 16<<10, 15_000), 1<<14)},
		{"by handshakes that never end", hello()},
		{"by what comes behind a hello", append(hello(), inRecords(make([]byte, 60_000), 1<<14)...)},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := buildTLS(t, Limits{HandshakesTotal: total}, &TLS{Config: serverConfig()}, func(*Conn) Protocol { return echoing() })
			h.k.Buffer = 128 << 10
			var most int64
			every := h.k.Every
			h.k.Every = func() {
				most = max(most, h.handshakes.tally.Total())
				every()
			}
			broken := 0
			h.from("192.0.2.2", func(l *line) {
				l.pieces, l.sleep = 50, time.Millisecond
				conn := h.client(l, clientConfig())
				if err := converse(conn); err != nil {
					t.Error(err)
				}
				conn.Close()
			})
			for range greedy {
				h.from("192.0.2.1", func(l *line) {
					if l.s.Send(l.w, row.say) != nil {
						broken++
						return
					}
					if _, err := l.s.ReceiveAll(l.w); err != nil {
						broken++
					}
				})
			}
			if err := h.over(); err != nil {
				t.Error(err)
			}
			if most > total*3/4 || most < total/4 {
				t.Errorf("handshakes held %d bytes", most)
			}
			if broken == 0 {
				t.Error("no handshake was cut off")
			}
		})
	}
}

// TestAHandshakeUnderWayHoldsWhatItIsChargedFor measures it.
func TestAHandshakeUnderWayHoldsWhatItIsChargedFor(t *testing.T) {
	const clients = 200
	for _, row := range []struct {
		name  string
		say   []byte
		most  uint64
		least uint64
	}{
		{"with its hello, by today's usual keys", largeHello(), begunHandshake, begunHandshake / 4},
		{"without the end of its hello", inRecords(declares(clientHello, 16<<10, 10_000), 1<<14), 12 << 10, 8 << 10},
	} {
		h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, func(*Conn) Protocol { return echoing() })
		h.call(func(l *line) {
			heap := func() uint64 { // when garbage of earlier tests is gone, too
				for least := ^uint64(0); ; {
					runtime.GC()
					runtime.GC()
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					now := m.HeapAlloc + m.StackInuse
					if now >= least {
						return now
					}
					least = now
				}
			}
			var before uint64
			for i := range clients + 10 {
				if i == 10 {
					before = heap()
				}
				l.w, _ = h.k.DialPort(443)
				l.s.Send(l.w, row.say)
				l.s.Sleep(time.Millisecond)
				io.ReadAll(readerOf(l.w))
			}
			each := (heap() - before) / clients
			t.Logf("a handshake %s holds %d bytes", row.name, each)
			if each > row.most || each < row.least {
				t.Errorf("a handshake %s holds %d bytes", row.name, each)
			}
			h.Stop()
		})
		h.live()
		h.k.Abandon()
	}
}

// readerOf reads what is there.
func readerOf(w *sim.Wire) io.Reader { return there{w} }

type there struct{ w *sim.Wire }

func (r there) Read(p []byte) (int, error) {
	n, err := r.w.Receive(p)
	if errors.Is(err, sim.ErrWouldWait) {
		err = io.EOF
	}
	return n, err
}

// largeHello is what most clients say first today, with a key of ML-KEM in it.
func largeHello() []byte {
	client := &collecting{Conn: &scripted{}, collects: true}
	tls.Client(client, clientConfig(func(c *tls.Config) { c.CurvePreferences = nil })).Handshake()
	return client.said
}

// TestHandshakesTakeTurnsByClient has one client begin many handshakes at once, and
// then another a single one, and counts the steps that are taken before the other is
// served: one of the many for each of its own, and those that workers have already.
func TestHandshakesTakeTurnsByClient(t *testing.T) {
	const greedy = 400
	for _, aside := range []bool{false, true} {
		const allowed = 2
		steps := 0
		config := serverConfig(func(c *tls.Config) {
			c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
				steps++
				return nil, nil
			}
		})
		h := buildTLS(t, Limits{Handshakes: allowed}, &TLS{Config: config, Waits: aside}, func(*Conn) Protocol { return echoing() })
		for range greedy {
			h.from("192.0.2.1", func(l *line) {
				conn := h.client(l, clientConfig())
				if err := converse(conn); err != nil {
					t.Error(err)
				}
				conn.Close()
			})
		}
		h.from("192.0.2.2", func(l *line) {
			for h.handshakes.pending.len()+h.handshakes.forWorkers.len() < greedy/2 {
				l.s.Sleep(time.Microsecond)
			}
			before := steps
			conn := h.client(l, clientConfig())
			if err := converse(conn); err != nil {
				t.Error(err)
			}
			if took := steps - before; took > 6*allowed {
				t.Errorf("aside %v: %d handshakes of another client were begun before this one was over", aside, took)
			} else {
				t.Logf("aside %v: %d handshakes of another client were begun before this one was over", aside, took)
			}
			conn.Close()
		})
		if err := h.over(); err != nil {
			t.Error(err)
		}
	}
}

// TestNewcomersAreAcceptedBeforeHandshakesGoOn has more clients wait to be accepted
// than one turn takes: handshakes take a step a turn meanwhile, and no more.
func TestNewcomersAreAcceptedBeforeHandshakesGoOn(t *testing.T) {
	const flood, batch = 400, 8
	steps, most := 0, 0
	config := serverConfig(func(c *tls.Config) {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			steps++
			return nil, nil
		}
	})
	h := buildTLS(t, Limits{AcceptBatch: batch}, &TLS{Config: config}, func(*Conn) Protocol { return echoing() })
	before, seen := 0, 0
	every := h.k.Every
	h.k.Every = func() {
		if len(h.listeners.eager) > 0 {
			seen++
			most = max(most, steps-before)
		}
		before = steps
		every()
	}
	for range flood {
		h.call(func(l *line) {
			conn := h.client(l, clientConfig())
			if err := converse(conn); err != nil {
				t.Error(err)
			}
			conn.Close()
		})
	}
	if err := h.over(); err != nil {
		t.Error(err)
	}
	if most > 1 {
		t.Errorf("%d handshakes went on in a turn that had newcomers waiting", most)
	}
	if seen < flood/batch/2 {
		t.Errorf("newcomers waited in %d turns", seen)
	}
}

// TestABurstOfOneClientIsServedBitByBit has one client begin more handshakes at once
// than there is room for: none is reset.
func TestABurstOfOneClientIsServedBitByBit(t *testing.T) {
	const room, burst = 10, 200
	for _, aside := range []bool{false, true} {
		h := buildTLS(t, Limits{HandshakesTotal: 4 * room * begunHandshake}, &TLS{Config: serverConfig(), Waits: aside}, func(*Conn) Protocol { return echoing() })
		begun, held := int64(0), 0
		every := h.k.Every
		h.k.Every = func() {
			begun = max(begun, h.handshakes.begun.Total())
			held = max(held, h.handshakes.held)
			every()
		}
		for range burst {
			h.call(func(l *line) {
				l.sleep = time.Millisecond // before it goes on
				conn := h.client(l, clientConfig())
				if err := converse(conn); err != nil {
					t.Error(err)
				}
				conn.Close()
			})
		}
		if err := h.over(); err != nil {
			t.Error(err)
		}
		if begun != room || held < burst/2 || h.handshakes.held != 0 {
			t.Errorf("aside %v: %d handshakes had begun at once, and %d waited for that", aside, begun, held)
		}
	}
}

// TestHandshakesNeedNoWorkerOfHandlers has handlers' work take all workers that there
// are for it.
func TestHandshakesNeedNoWorkerOfHandlers(t *testing.T) {
	h := buildTLS(t, Limits{}, &TLS{Config: serverConfig(), Waits: true}, func(*Conn) Protocol { return echoing() })
	h.workers.lanes[LaneHandlers].busy = h.limits.Workers
	h.call(func(l *line) {
		conn := h.client(l, clientConfig())
		if err := converse(conn); err != nil {
			t.Error(err)
		}
		conn.Close()
	})
	if err := h.over(); err != nil {
		t.Error(err)
	}
}

// TestAHandshakeIsAcknowledgedAtOnce counts: what a client says after its hello, in a
// handshake, and nothing else.
func TestAHandshakeIsAcknowledgedAtOnce(t *testing.T) {
	for _, row := range []struct {
		name string
		port uint16
		most int // acknowledgements of one conversation
	}{{"over TLS", 443, 2}, {"in plain text", 80, 0}} {
		h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, func(*Conn) Protocol { return echoing() })
		h.k.Go(func(s *sim.Script) {
			w, err := h.k.DialPort(row.port)
			if err != nil {
				t.Error(err)
				return
			}
			l := &line{s: s, w: w}
			var conn io.ReadWriteCloser = l
			if row.port == 443 {
				conn = h.client(l, clientConfig())
			}
			for range 10 {
				io.WriteString(conn, "hello")
				if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
					t.Error(err)
				}
			}
			conn.Close()
		})
		if err := h.over(); err != nil {
			t.Error(err)
		}
		if n := h.k.Acks; n > row.most || n == 0 && row.most > 0 {
			t.Errorf("%s: %d times", row.name, n)
		}
	}
}
