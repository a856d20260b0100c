package static

// The extension of a name tells the media type of a file. The table is generated:
// internal/mimegen says from which sources, and which types it prefers.

//go:generate go run ./internal/mimegen -db "$MIME_DB" -o mime_table.go

// unknownType is the type for an unknown extension. Browsers offer to save such a
// file.
const unknownType = "application/octet-stream"

// A mimeEntry is a line of the table: an extension in lower case without its
// dot, and the whole value of the Content-Type field.
type mimeEntry struct {
	extension   string
	contentType string
}

// TypeByExtension returns the Content-Type of a file by its name, which may
// have folders in front. Types of text have "; charset=utf-8", except XML and its kinds,
// which declare it themselves; Files changes the parameter if a file is in another
// charset. The type is
// "application/octet-stream" for an unknown extension, and for a name whose only
// dot is its first character, such as ".profile".
//
// It does not allocate: the result is a constant.
func TypeByExtension(name string) string {
	var buffer [longestExtension]byte
	extension := lowerExtension(&buffer, name)

	from, to := 0, len(mimeTable)
	for from < to {
		middle := int(uint(from+to) / 2)
		switch entry := &mimeTable[middle]; {
		case entry.extension == string(extension):
			return entry.contentType
		case entry.extension < string(extension):
			from = middle + 1
		default:
			to = middle
		}
	}
	return unknownType
}

// lowerExtension copies the extension of a name into the buffer, with ASCII letters
// in lower case. It returns nil if there is no extension, or one that is too long
// to be in the table.
func lowerExtension(buffer *[longestExtension]byte, name string) []byte {
	for i := len(name) - 1; i > 0 && len(name)-i <= longestExtension+1; i-- {
		switch name[i] {
		case '/':
			return nil
		case '.':
			if name[i-1] == '/' {
				return nil
			}
			extension := buffer[:copy(buffer[:], name[i+1:])]
			for j, c := range extension {
				if 'A' <= c && c <= 'Z' {
					extension[j] = c + ('a' - 'A')
				}
			}
			return extension
		}
	}
	return nil
}
