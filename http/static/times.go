package static

import (
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A modification time tells a client how old a file is, and one version from another.
// Some times tell neither: a tool has set the same one for all files of an image or an
// archive. There the content tells versions apart.

// firstSecond is the first second of 1970 that is a time of a change. Nix, OSTree and
// reproducible images set all files to second 0 or 1.
const firstSecond = 2

// firstYear is the first year that tells versions apart. Archives that are made anew
// have times before it: 1980 in a zip, 1985 in a package of npm.
const firstYear = 1990

// tellsVersions reports whether versions of a file differ in this modification time.
func tellsVersions(t time.Time) bool { return t.UTC().Year() >= firstYear }

// lastModified returns the time for Last-Modified, in whole seconds, of a file that was
// looked at at a time; the zero time if there is none. A time in the future is replaced
// by that of the look (RFC 9110 section 8.8.2.1).
func lastModified(info fs.FileInfo, asked time.Time) time.Time {
	t := info.ModTime()
	switch {
	case t.Unix() < firstSecond:
		return time.Time{}
	case t.After(asked):
		t = asked
	}
	return t.Truncate(time.Second)
}

// changedAt returns when a file was changed last, as far as it can be told: by its
// modification time, or by the time of the change to its inode, which no tool sets.
func changedAt(info fs.FileInfo) time.Time {
	t := info.ModTime()
	if st, ok := info.Sys().(*syscall.Stat_t); ok && !tellsVersions(t) {
		return inodeChanged(st)
	}
	return t
}

// same reports whether a and b are about the same content, as far as identity, size
// and times tell.
func same(a, b fs.FileInfo) bool {
	if _, ok := a.Sys().(*syscall.Stat_t); !ok {
		return identical(a, b) || a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && tellsVersions(a.ModTime())
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && changedAt(a).Equal(changedAt(b))
}

// recentlyModified reports whether a file that was looked at at a time, or soon after
// it, may change once more without a change of its time: kernels use the time of their
// last tick.
func recentlyModified(info fs.FileInfo, asked time.Time) bool {
	const granularity, soon = 50 * time.Millisecond, time.Minute
	age := asked.Sub(changedAt(info))
	return -soon < age && age < granularity
}

// setTag makes the tag for the ETag, which differs between the versions of a file that
// was looked at at a time. It is made of modification time and size, so that copies of a
// site on several machines have the same tags. If the time does not tell versions apart,
// it is made of the content. A large file has both of its ends and its inode in place of
// that, and its tag is weak as long as it may change without a sign of it.
func (v *content) setTag(asked time.Time) {
	t, recent := v.info.ModTime(), recentlyModified(v.info, asked)
	size := strconv.FormatInt(v.info.Size(), 36)
	switch {
	case tellsVersions(t) && !recent:
		v.tag = strconv.FormatInt(t.Unix(), 36) + "-" + strconv.FormatInt(int64(t.Nanosecond()), 36) + "-" + size
	case v.digest != "":
		v.tag = v.digest
	case v.file == nil:
		v.tag = digestOf(v.body)
	default:
		v.tag, v.weak = digestOf(v.first, v.tail)+"-"+size, recent
		if st, ok := v.info.Sys().(*syscall.Stat_t); ok {
			v.tag += "-" + strconv.FormatUint(uint64(st.Ino), 36) + "-" + strconv.FormatInt(inodeChanged(st).UnixNano(), 36)
		}
	}
}

// digestOf returns a digest for a tag.
func digestOf(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return digestText(h)
}

// digestText writes a hash as the digest of a tag.
func digestText(h hash.Hash) string { return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12]) }

// formatMark writes a time as seconds and nanoseconds since 1970: "1714979289.5". Of the
// years of which a disk may have files, nanoseconds alone would be too large a number.
func formatMark(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + "." + strconv.Itoa(t.Nanosecond())
}

// readMark reads what formatMark has written. Parts that are no numbers are 0.
func readMark(s string) time.Time {
	seconds, fraction, _ := strings.Cut(s, ".")
	sec, _ := strconv.ParseInt(seconds, 10, 64)
	nsec, _ := strconv.ParseInt(fraction, 10, 64)
	return time.Unix(sec, nsec)
}

// rfc3339 writes a time in whole seconds, or "" for one that says nothing or whose year
// has not four digits.
func rfc3339(t time.Time) string {
	if t = t.UTC(); t.Unix() < firstSecond || t.Year() > 9999 {
		return ""
	}
	return t.Format(time.RFC3339)
}
