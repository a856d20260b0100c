package static

import (
	"io/fs"
	"log/slog"
	"sync"
)

// A compressed sibling that is older than its file is of an earlier version, and is not
// sent. Its time may only seem older: brotli -k and tar round it down to a second, a zip
// and FAT to two.

// outdated reports whether a compressed sibling is older than its file, by two whole
// seconds at least.
func outdated(sibling, file fs.FileInfo) bool {
	const rounding = 2 // seconds
	return file.ModTime().Unix()-sibling.ModTime().Unix() >= rounding
}

// An outdatedLog logs the siblings that are not sent, each once, and the first of many
// only: after a checkout of a whole site all of them may be old. Workers share it.
type outdatedLog struct {
	mu    sync.Mutex
	named map[string]bool
}

// outdatedLines is how many siblings are named.
const outdatedLines = 10

func (l *outdatedLog) warn(log *slog.Logger, sibling, file string) {
	l.mu.Lock()
	if l.named == nil {
		l.named = make(map[string]bool)
	}
	if l.named[sibling] || len(l.named) == outdatedLines {
		l.mu.Unlock()
		return
	}
	l.named[sibling] = true
	n := len(l.named)
	l.mu.Unlock()
	log.Warn("a compressed file is older than the file beside it, and is not sent: compress it anew", "compressed", sibling, "file", file)
	if n == outdatedLines {
		log.Warn("more compressed files that are older may follow, and are not logged")
	}
}
