//go:build !linux

package bobbin

import "errors"

// A FolderWatch tells what changes below a folder. On this system nothing does:
// kqueue watches single files, each of which has to be open for that.
type FolderWatch struct{}

// WatchFolder answers errors.ErrUnsupported.
func WatchFolder(string) (*FolderWatch, error) { return nil, errors.ErrUnsupported }

// FD is never called.
func (*FolderWatch) FD() int { return -1 }

// Changes is never called.
func (*FolderWatch) Changes(func(string)) error { return errors.ErrUnsupported }

// Close is never called.
func (*FolderWatch) Close() error { return errors.ErrUnsupported }
