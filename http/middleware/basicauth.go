package middleware

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// BasicAuth asks for a name and a password (RFC 7617). Passwords are kept as
// bcrypt hashes, which are slow to check on purpose: that is done off the loop,
// few at a time, and a password that was right is remembered.
type BasicAuth struct {
	Realm string // what a browser shows; "restricted" if empty

	users    map[string][]byte // hashes by name
	key      [32]byte          // of this process alone
	right    map[[32]byte]bool // digests of names and passwords
	checking int
}

// At most so many passwords are checked at a time, and so many right ones are
// remembered.
const (
	checksMost = 4
	rightMost  = 4096
)

// passwordMost is how much of a password bcrypt looks at. A longer one is
// refused and not cut short.
const passwordMost = 72

// ParseUsers reads lines of "name:hash", as htpasswd -B writes them. Empty lines
// and those that begin with "#" are passed over. An error names the line, and
// not what stands in it.
func ParseUsers(from io.Reader) (*BasicAuth, error) {
	a := &BasicAuth{users: make(map[string][]byte), right: make(map[[32]byte]bool)}
	rand.Read(a.key[:])
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		name, hash, ok := strings.Cut(text, ":")
		switch {
		case !ok || name == "":
			return nil, fmt.Errorf("line %d: there is no name and hash with a colon between", n)
		case a.users[name] != nil:
			return nil, fmt.Errorf("line %d: %q is there twice", n, name)
		}
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			return nil, fmt.Errorf("line %d: the password of %q is not a bcrypt hash: make one with bobbin hash", n, name)
		}
		a.users[name] = []byte(hash)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(a.users) == 0 {
		return nil, errors.New("there is no user in it")
	}
	return a, nil
}

// HashPassword makes the hash of a password.
func HashPassword(password string) (string, error) {
	switch {
	case password == "":
		return "", errors.New("an empty password protects nothing")
	case len(password) > passwordMost:
		return "", fmt.Errorf("a password of more than %d bytes cannot be told from others", passwordMost)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return string(hash), err
}

// nobody is checked when there is no user of a name, so that it takes as long to
// find out.
var nobody = []byte("$2a$10$7EqJtq98hPqEX7fNZaFWoOhi5BWX4Z1Z3MxE8lmyy6h6Zy/YPj4Oa")

// Around is the http.Middleware.
func (a *BasicAuth) Around(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		name, password, ok := credentials(string(r.HeaderBytes("authorization")))
		if !ok {
			return a.challenge(w)
		}
		digest := a.digest(name, password)
		if a.right[digest] {
			return next(w, r)
		}
		if a.checking >= checksMost {
			return http.StatusServiceUnavailable
		}
		a.checking++
		return http.OffloadJob(w, eventloop.Job{Over: func() { a.checking-- }},
			func() (right bool, err error) { return a.check(name, password), nil },
			func(w *http.Response, right bool) error {
				if !right {
					return a.challenge(w)
				}
				if len(a.right) >= rightMost {
					clear(a.right)
				}
				a.right[digest] = true
				return next(w, r)
			})
	}
}

// User returns the name that came with a request, if the right password came with
// it, and "" otherwise.
func (a *BasicAuth) User(r *http.Request) string {
	field := r.HeaderBytes("authorization")
	if field == nil {
		return "" // the usual case, for logs
	}
	name, password, ok := credentials(string(field))
	if !ok || !a.right[a.digest(name, password)] {
		return ""
	}
	return name
}

// check runs on a worker.
func (a *BasicAuth) check(name, password string) (right bool) {
	hash, known := a.users[name]
	if !known {
		hash = nobody
	}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	return known && err == nil && len(password) <= passwordMost
}

// digest tells one pair from another, and nobody what it is.
func (a *BasicAuth) digest(name, password string) (d [32]byte) {
	mac := hmac.New(sha256.New, a.key[:])
	fmt.Fprintf(mac, "%d:%s:%s", len(name), name, password)
	mac.Sum(d[:0])
	return d
}

func (a *BasicAuth) challenge(w *http.Response) error {
	realm := a.Realm
	if realm == "" {
		realm = "restricted"
	}
	w.Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q, charset=\"UTF-8\"", realm))
	w.Set("Cache-Control", "no-store")
	return http.StatusUnauthorized
}

// credentials reads an Authorization field.
func credentials(field string) (name, password string, ok bool) {
	scheme, token, _ := strings.Cut(field, " ")
	if !strings.EqualFold(scheme, "basic") {
		return "", "", false
	}
	p, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(p), ":")
}
