package http

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// framed makes frames of bytes: four are a head, and as many follow as the last of them says. So most
// have a known type, a low number of a stream and the right length.
func framed(said []byte) (frames []byte) {
	for len(said) >= 4 {
		n := min(int(said[3]), len(said)-4)
		h := h2.FrameHeader{Length: uint32(n), Type: h2.FrameType(said[0] % 18), Flags: h2.Flags(said[1]), Stream: uint32(said[2] % 10)}
		frames = append(h.Append(frames), said[4:4+n]...)
		said = said[4+n:]
	}
	return frames
}

// FuzzH2Conn holds that no bytes behind the preface and SETTINGS make the server panic, hang or
// keep anything, and that all it says to them is frames.
func FuzzH2Conn(f *testing.F) {
	get := append(h2.FrameHeader{Length: 11, Type: h2.FrameHeaders, Flags: h2.FlagEndHeaders | h2.FlagEndStream, Stream: 1}.Append(nil),
		0x82, 0x86, 0x84, 0x41, 0x06, 'a', '.', 't', 'e', 's', 't')
	post := append(h2.FrameHeader{Length: 17, Type: h2.FrameHeaders, Flags: h2.FlagEndHeaders, Stream: 1}.Append(nil),
		0x83, 0x86, 0x04, 0x05, '/', 'e', 'c', 'h', 'o', 0x41, 0x06, 'a', '.', 't', 'e', 's', 't')
	data := append(h2.FrameHeader{Length: 5, Type: h2.FrameData, Flags: h2.FlagEndStream, Stream: 1}.Append(nil), "hello"...)
	f.Add([]byte(nil), uint16(1))
	f.Add(get, uint16(3))
	f.Add(append(post, data...), uint16(20))
	f.Add(h2.AppendReset(post, 1, h2.Cancel), uint16(7))
	f.Add(h2.AppendPing(h2.AppendWindowUpdate(get, 0, 1), [8]byte{1}), uint16(100))
	f.Add(h2.AppendSettings(get, h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1}), uint16(40))
	short := func(kind, flags, stream byte, payload string) string {
		return string([]byte{kind, flags, stream, byte(len(payload))}) + payload
	}
	f.Add([]byte(short(1, 5, 1, "\x82\x86\x84\x41\x01a")+short(3, 0, 1, "\x00\x00\x00\x08")+short(1, 5, 3, "\x82\x86\x84\xbe")), uint16(9))
	f.Add([]byte(short(1, 4, 1, "\x83\x86\x04\x05/echo\x41\x01a")+short(0, 0, 1, "some")+short(8, 0, 1, "\x00\x00\x01\x00")+short(1, 5, 1, "\x00\x01a\x01b")), uint16(11))
	f.Add([]byte(short(4, 0, 0, "\x00\x04\x00\x00\x00\x00")+short(1, 5, 1, "\x82\x86\x04\x05/file\x41\x01a")+short(4, 0, 0, "\x00\x04\x00\x01\x00\x00")), uint16(13))
	f.Add([]byte(short(1, 4, 1, "\x83\x86\x04\x0e/blocking/body\x41\x01a")+short(0, 9, 1, "\x02body\x00\x00")+short(6, 0, 0, "12345678")), uint16(15))
	f.Fuzz(func(t *testing.T, said []byte, cut uint16) {
		if len(said) > 4<<10 {
			t.Skip("more says no more")
		}
		if cut%2 == 1 {
			said = framed(said)
		}
		k := sim.New(uint64(cut))
		config := Config{Handler: site, Limits: Limits{StreamWindow: 100}}
		stageH2(t, k, config, func(_ *h2Watch, c *sim.Script, w *sim.Wire) {
			heard, all := []byte(nil), h2.AppendSettings([]byte(h2.Preface))
			for all = append(all, said...); len(all) > 0; {
				n := min(len(all), 1+int(cut)%200)
				if c.Send(w, all[:n]) != nil {
					break
				}
				all = all[n:]
				c.Sleep(10 * time.Microsecond)
			}
			buffer := make([]byte, 4<<10)
			for until := k.Now().Add(5 * time.Second); k.Now().Before(until); {
				n, err := w.Receive(buffer)
				heard = append(heard, buffer[:n]...)
				if err != nil && err != sim.ErrWouldWait || len(heard) > 100_000 {
					break
				}
				c.Until(w, until)
			}
			w.Close()
			for len(heard) >= h2.HeaderSize {
				h, _ := h2.ReadFrameHeader(heard)
				if !h.Type.Known() || h.Length > h2.MinFrameSize {
					t.Fatalf("the server says %v", h)
				}
				heard = heard[min(len(heard), h2.HeaderSize+int(h.Length)):]
			}
		})
	})
}
