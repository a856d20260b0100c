package static

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// What is in an archive: what a client would reach that follows the links of listings. Each
// name is looked at by the rules of listing.go. Where a listing leaves a name out because
// of an error that is the server's own, such as a lack of descriptors, an archive fails: it
// would seem to be complete.

// collect finds all that is in the archive, in the order of names, a folder before what is in
// it.
func (a *archive) collect() error {
	a.private = a.options.private.now(a.search.asked)
	folder, info, err := a.open(a.listed)
	if err != nil {
		return err
	}
	top := listEntry{}
	if !top.look(info) || !top.folder {
		folder.Close()
		return http.StatusNotFound
	}
	a.entries = append(a.entries, archiveEntry{listEntry: top})
	return a.walk(folder, "", []fs.FileInfo{info})
}

// walk collects the names in an open folder, and closes it. Rel is its name below the one
// that is archived, "" or with a slash at its end; above are the folders on the way.
func (a *archive) walk(folder fs.File, rel string, above []fs.FileInfo) error {
	s := a.search
	s.listed, s.path = inFolder(a.listed, rel), a.path+rel
	list, err := a.namesIn(&s, folder)
	folder.Close()
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(x, y archiveEntry) int { return strings.Compare(x.name, y.name) })
	for _, e := range list {
		e.name = rel + e.name
		if e.folder {
			err = a.enter(e, above)
		} else {
			a.entries = append(a.entries, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enter collects a folder below. A link that leads to a folder on the way is left out,
// because it has no end.
func (a *archive) enter(e archiveEntry, above []fs.FileInfo) error {
	name := inFolder(a.listed, e.name)
	folder, info, err := a.open(name)
	if err != nil {
		return unlessLeftOut(err)
	}
	if !info.IsDir() || slices.ContainsFunc(above, func(on fs.FileInfo) bool { return os.SameFile(on, info) }) {
		folder.Close()
		return nil
	}
	index, file, page, err := a.openIndex(name)
	if err == http.StatusNotFound {
		a.entries = append(a.entries, e)
		return a.walk(folder, e.name+"/", append(above[:len(above):len(above)], info))
	}
	folder.Close()
	if err != nil {
		return unlessLeftOut(err)
	}
	file.Close()
	below := strings.TrimPrefix(strings.TrimPrefix(index, a.listed), "/")
	only := archiveEntry{listEntry: listEntry{name: below}, info: page}
	if only.look(page); only.folder || a.skips(a.path+below) {
		return nil
	}
	a.entries = append(a.entries, e, only)
	return a.add(&only, below)
}

// namesIn returns the names in an open folder, that of s, that are in the archive.
func (a *archive) namesIn(s *search, folder fs.File) (list []archiveEntry, err error) {
	readDir := s.readDir(folder)
	for {
		batch, err := readDir(256)
		for _, d := range batch {
			e, ok, err := a.entryOf(s, d)
			if err == nil && ok {
				err = a.add(&e, s.path+e.name)
			}
			if err != nil {
				return nil, err
			}
			if ok {
				list = append(list, e)
			}
		}
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, s.statusOf(s.listed, err)
		}
	}
}

// add counts a file or folder, and refuses the archive if it is one too many.
func (a *archive) add(e *archiveEntry, path string) error {
	a.count++
	a.named += int64(len(path))
	if !e.folder {
		a.length += e.size
	}
	switch {
	case a.count > a.maxEntries, a.named > a.maxNames:
		return a.tooMany()
	case a.length > a.maxBytes:
		return a.tooLarge()
	}
	return nil
}

// entryOf looks at one name, and reports whether it is in the archive.
func (a *archive) entryOf(s *search, d fs.DirEntry) (e archiveEntry, ok bool, err error) {
	name := inFolder(s.listed, d.Name())
	e.name, e.folder = d.Name(), d.IsDir()
	isLink := d.Type()&fs.ModeSymlink != 0
	switch {
	case hidden(e.name, s.options), s.options.private.named(name), !isLink && !e.folder && !d.Type().IsRegular():
		return e, false, nil
	case isLink:
		e.info, err = s.follow(s.listed, e.name)
	default:
		e.info, err = d.Info()
		if err != nil {
			err = s.statusOf(name, err)
		}
	}
	if err != nil || !e.look(e.info) || a.private.have(e.info) || !e.served(s.path) {
		return e, false, unlessLeftOut(err)
	}
	if e.folder {
		e.info = nil // it is opened later in any case
		return e, !a.skips(s.path + e.name + "/"), nil
	}
	if a.skips(s.path + e.name) {
		return e, false, nil
	}
	if !isLink && e.mode&0o444 != 0o444 {
		_, err = s.follow(s.listed, e.name)
	}
	return e, err == nil, unlessLeftOut(err)
}

// skips reports whether Archives.Skip leaves a path out.
func (a *archive) skips(path string) bool { return a.Skip != nil && a.Skip(a.host, path) }

// unlessLeftOut returns nil for the errors by which a client would not get a file either, so
// that it is not in the archive.
func unlessLeftOut(err error) error {
	if err == http.StatusNotFound || err == http.StatusForbidden {
		return nil
	}
	return err
}
