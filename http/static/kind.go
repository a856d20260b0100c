package static

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The kind of a file: its media type, its charset, and the coding in which it is stored. A
// rule of Options.Fields decides first, then the content, then Options.Types and the
// extension.

// A kind describes a file before it is read.
type kind struct {
	contentType string
	isGiven     bool   // the type is the operator's, and is not changed
	stored      coding // that a rule declares
	isPlain     bool   // a rule declares that the file is not compressed
}

// kindOf takes the kind that rules declare out of the fields for a path, and completes
// it by the name of the file.
func (s *search) kindOf(name string) (k kind, fields [][2]string, err error) {
	if s.options.Fields != nil {
		fields = s.options.Fields(s.path)
	}
	rest := make([][2]string, 0, len(fields)) // the fields may be the caller's own
	for _, field := range fields {
		switch {
		case negotiate.EqualFold(field[0], "content-type"):
			k.contentType, k.isGiven = field[1], true
		case negotiate.EqualFold(field[0], "content-encoding"):
			if k.stored, err = storedIn(field[1]); err != nil {
				return k, nil, fmt.Errorf("static: %s: %w", s.path, err)
			}
			k.isPlain = k.stored == identity
		default:
			rest = append(rest, field)
		}
	}
	if !k.isGiven {
		k.contentType, k.isGiven = s.typeOf(strings.TrimSuffix(name, suffixes[k.stored]))
	}
	return k, rest, nil
}

// storedIn returns the coding with a name.
func storedIn(name string) (coding, error) {
	for c := range codings {
		if negotiate.EqualFold(name, c.String()) || c == gzip && negotiate.EqualFold(name, "x-gzip") {
			return c, nil
		}
	}
	return identity, fmt.Errorf("Content-Encoding is %q: use br, zstd, gzip, or identity for a file that is not compressed", name)
}

// typeOf returns the Content-Type of a name, and whether the operator has set it.
func (s *search) typeOf(name string) (contentType string, isGiven bool) {
	if len(s.options.Types) > 0 {
		if at := strings.LastIndexByte(name, '.'); at >= 0 {
			if t, ok := s.options.Types[strings.ToLower(name[at+1:])]; ok {
				return t, true
			}
		}
	}
	return TypeByExtension(name), false
}

// magics are the first bytes of the codings that can be recognised. No text begins so,
// in any charset. Brotli has none.
var magics = [codings]string{gzip: "\x1f\x8b\x08", zstd: "\x28\xb5\x2f\xfd"}

// ContentCoding returns the content coding of a file of text that is stored compressed,
// such as .svgz, by its first bytes: "gzip", "zstd", or "" for any other file. To
// compress it once more would be of no use.
func ContentCoding(head []byte) string {
	if c := codingOf(head); c != identity {
		return c.String()
	}
	return ""
}

func codingOf(head []byte) coding {
	for c, magic := range magics {
		if magic != "" && bytes.HasPrefix(head, []byte(magic)) {
			return coding(c)
		}
	}
	return identity
}

// examine completes the kind of a file by its content, which has been loaded. The content
// of a compressed file moves to its coding.
func (f *found) examine(k kind) {
	f.contentType, f.stored = k.contentType, k.stored
	v := &f.contents[identity]
	if Compressible(k.contentType) {
		head := v.head()
		if k.stored == identity && !k.isPlain {
			f.stored = codingOf(head)
		}
		if !k.isGiven {
			f.contentType = withCharset(k.contentType, decodedHead(f.stored, head))
		}
	}
	if f.stored != identity {
		f.contents[f.stored], *v = *v, content{}
	}
}

// kindTag returns a part of a file's ETag, "" if its type is that of the table. A 304 does
// not change the type that a browser has kept (RFC 9110 section 15.4.5), so a file gets
// another tag with another type.
func kindTag(name, contentType string) string {
	if name == "" || contentType == TypeByExtension(name) {
		return ""
	}
	return "-" + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(contentType))), 36)
}

// decodedHead returns the beginning of the text in a file, or nothing decisive if it
// cannot be decompressed here.
func decodedHead(stored coding, head []byte) []byte {
	switch stored {
	case identity:
		return head
	case gzip:
		if from, err := stdgzip.NewReader(bytes.NewReader(head)); err == nil {
			p := make([]byte, headSize)
			n, _ := io.ReadFull(from, p)
			return p[:n]
		}
	}
	return []byte{0xff} // no text
}
