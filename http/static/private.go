package static

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Files that configure the server may lie in the folder that it serves: passwords,
// keys, the log. They are never served and never listed, and neither are compressed
// copies beside them. They are known by name, which holds while they are being replaced,
// and by device and inode, which holds for links of both kinds, and for names in other
// letters on a disk that is blind to case.

// A privacy knows the files that are never served. Its methods may be called from any
// goroutine.
type privacy struct {
	paths []string // of files and their compressed copies, and of folders, which stand for all that is in them
	names []string // below the root, of those that lie there
	walks *walks
}

// walksFor is how long what was found in the private folders is taken for what is there. A walk
// takes milliseconds for thousands of files, and each look at the disk would need one. The time
// is that at which looks were asked for: a worker has no clock.
const walksFor = time.Second

// walks have what was found in the private folders.
type walks struct {
	mu    sync.Mutex
	asked time.Time // when the look that found them was asked for
	found privates
}

// newPrivacy returns the privacy of the folder at root.
func newPrivacy(root string, paths []string) privacy {
	p := privacy{paths: withCopies(paths), walks: &walks{}}
	from, err := filepath.Abs(root)
	if err != nil {
		return p // device and inode are enough
	}
	for _, s := range p.paths {
		if s, err = filepath.Abs(s); err != nil {
			continue
		}
		if name, err := filepath.Rel(from, s); err == nil && filepath.IsLocal(name) {
			p.names = append(p.names, filepath.ToSlash(name))
		}
	}
	return p
}

// withCopies adds the names of compressed copies.
func withCopies(names []string) (all []string) {
	for _, s := range names {
		for c := range codings {
			all = append(all, s+suffixes[c])
		}
	}
	return all
}

// named reports whether a name below the root is a private one.
func (p *privacy) named(name string) bool {
	return slices.ContainsFunc(p.names, func(own string) bool {
		return name == own || strings.HasPrefix(name, own) && name[len(own)] == '/'
	})
}

// privatesMax is the most files in private folders that are known by device and inode;
// the others are known by name. It bounds the time of a look.
const privatesMax = 10_000

// now returns the files and folders that the paths lead to at present, for a look at the disk
// that was asked for at a time. With the zero time it walks, and so does the next look.
func (p *privacy) now(asked time.Time) (list privates) {
	if p.walks == nil {
		return nil // there are no paths
	}
	p.walks.mu.Lock()
	defer p.walks.mu.Unlock()
	age := asked.Sub(p.walks.asked) // negative if the clock was set back
	again := p.walks.asked.IsZero() || age < 0 || age >= walksFor
	if again {
		p.walks.found, p.walks.asked = nil, asked
	}
	for _, s := range p.paths {
		info, err := os.Stat(s)
		if err != nil {
			continue // it does not exist, or not yet
		}
		list = append(list, info)
		if !info.IsDir() || !again {
			continue
		}
		// With a slash, because the folder may be a link.
		_ = filepath.WalkDir(s+string(filepath.Separator), func(_ string, d fs.DirEntry, err error) error {
			if len(p.walks.found) >= privatesMax {
				return fs.SkipAll
			}
			if err != nil {
				return nil // gone, or not readable: neither is it for clients
			}
			if info, err := d.Info(); err == nil && (info.IsDir() || info.Mode().IsRegular()) {
				p.walks.found = append(p.walks.found, info)
			}
			return nil
		})
	}
	return append(list, p.walks.found...)
}

// holds reports whether a file that was opened by a name is private.
func (p *privacy) holds(name string, info fs.FileInfo, asked time.Time) bool {
	return len(p.paths)+len(p.names) > 0 && (p.named(name) || p.now(asked).have(info))
}

// refuse returns an error if the folder or file that is to be served is private.
func (p *privacy) refuse(served string, info fs.FileInfo) error {
	if len(p.paths) > 0 && p.now(time.Time{}).have(info) {
		return fmt.Errorf("%s configures the server, and is never served", served)
	}
	return nil
}

// privates are the private files at one moment.
type privates []fs.FileInfo

func (list privates) have(info fs.FileInfo) bool {
	return slices.ContainsFunc(list, func(own fs.FileInfo) bool { return os.SameFile(own, info) })
}

// inFolder returns the name below the root of a file in a folder.
func inFolder(folder, name string) string { return path.Join(folder, name) }
