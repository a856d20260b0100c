// Package ws is a client of WebSocket, by hand: a handshake, frames that are masked
// beforehand, and what a server sends back for them. Checks and generators share it.
package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Handshake returns the request for a WebSocket.
func Handshake(address, path string, fields []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", path, address)
	b.WriteString("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n")
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// accepted is the proof for the key of Handshake (RFC 6455 section 4.2.2).
const accepted = "Bz3qJYTGdOe8gUSpLosEdiLKDrk="

// Open makes the handshake. Bytes after the server's answer are an error, because a server
// sends no message before it has one.
func Open(over io.ReadWriter, address, path string, fields []string) error {
	if _, err := io.WriteString(over, Handshake(address, path, fields)); err != nil {
		return err
	}
	var head []byte
	buffer := make([]byte, 4096)
	for {
		n, err := over.Read(buffer)
		head = append(head, buffer[:n]...)
		end := bytes.Index(head, []byte("\r\n\r\n"))
		switch {
		case end < 0 && err != nil:
			return fmt.Errorf("handshake: %w", err)
		case end < 0 && len(head) > 64<<10:
			return fmt.Errorf("handshake: the head of the answer does not end")
		case end < 0:
			continue
		}
		return check(head[:end], head[end+4:])
	}
}

// check reads the head of the answer to a handshake.
func check(head, rest []byte) error {
	lines := strings.Split(string(head), "\r\n")
	if !strings.HasPrefix(lines[0], "HTTP/1.1 101 ") {
		return fmt.Errorf("handshake: the answer is %q", lines[0])
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "sec-websocket-accept":
			if value != accepted {
				return fmt.Errorf("handshake: Sec-WebSocket-Accept is %q, want %q", value, accepted)
			}
			if len(rest) > 0 {
				return fmt.Errorf("%d bytes follow the handshake", len(rest))
			}
			return nil
		case "sec-websocket-extensions":
			return fmt.Errorf("handshake: the server takes an extension that was not offered: %q", value)
		}
	}
	return fmt.Errorf("handshake: Sec-WebSocket-Accept is missing")
}

// Message returns a text of n bytes, always the same.
func Message(n int) []byte {
	const line = "A message of a chat has some words, and mostly ends after them. "
	return bytes.Repeat([]byte(line), n/len(line)+1)[:n]
}

// mask is that of all frames. A client chooses another one for each frame, which the
// server cannot tell from the same one.
var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

const text = 0x81 // the first byte of a whole message that is text

// FromClient returns the frame of a text as a client sends it.
func FromClient(p []byte) []byte {
	frame := head(len(p), 0x80)
	frame = append(frame, mask[:]...)
	for i, c := range p {
		frame = append(frame, c^mask[i%4])
	}
	return frame
}

// FromServer returns the frame of the same text as a server sends it back.
func FromServer(p []byte) []byte { return append(head(len(p), 0), p...) }

// head returns the beginning of a frame, of the shortest form.
func head(n int, masked byte) []byte {
	switch {
	case n <= 125:
		return []byte{text, masked | byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{text, masked | 126}, uint16(n))
	}
	return binary.BigEndian.AppendUint64([]byte{text, masked | 127}, uint64(n))
}

// Read reads one frame, which must be a whole text, and returns it and its bytes on the
// wire.
func Read(from io.Reader) (p []byte, length int, err error) {
	var h [10]byte
	if _, err := io.ReadFull(from, h[:2]); err != nil {
		return nil, 0, err
	}
	if h[0] != text || h[1]&0x80 != 0 {
		return nil, 0, fmt.Errorf("the frame begins with %#x %#x, and is no whole text", h[0], h[1])
	}
	n, size := uint64(h[1]), 2
	switch n {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if _, err := io.ReadFull(from, h[2:size]); err != nil {
		return nil, 0, err
	}
	switch size {
	case 4:
		n = uint64(binary.BigEndian.Uint16(h[2:]))
	case 10:
		n = binary.BigEndian.Uint64(h[2:])
	}
	if n > 1<<24 {
		return nil, 0, fmt.Errorf("the frame has %d bytes", n)
	}
	p = make([]byte, n)
	_, err = io.ReadFull(from, p)
	return p, size + int(n), err
}
