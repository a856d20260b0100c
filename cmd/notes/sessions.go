package main

import (
	"crypto/rand"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/bobbin-http/bobbin/http"
)

// user is the sender of a request, for all handlers behind sessions.require.
var user http.Key[User]

// sessions are the users that have logged in, by their tokens. They belong to the
// loop, and so need no lock; after a restart people log in again.
type sessions struct {
	db    *store
	users map[string]session
}

type session struct {
	user User
	ends time.Time
}

const (
	sessionTime = 24 * time.Hour
	sessionsMax = 10_000
)

// credentials are the body of a request to sign up or to log in.
type credentials struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

func readCredentials(r *http.Request) (c credentials, err error) {
	if err := asked.Read(r, &c); err != nil {
		return c, err
	}
	// bcrypt looks at 72 bytes.
	if c.Name == "" || len(c.Name) > 60 || len(c.Password) < 8 || len(c.Password) > 72 {
		return c, http.StatusUnprocessableContent.Because("a name has 1 to 60 bytes, and a password 8 to 72")
	}
	return c, nil
}

func (s *sessions) signUp(w *http.Response, r *http.Request) error {
	c, err := readCredentials(r)
	if err != nil {
		return err
	}
	return http.Offload(w, func() (User, error) {
		hash, err := bcrypt.GenerateFromPassword([]byte(c.Password), bcrypt.DefaultCost)
		if err != nil {
			return User{}, err
		}
		return s.db.addUser(c.Name, hash)
	}, func(w *http.Response, u User) error {
		w.SetStatus(http.StatusCreated)
		return w.JSON(u)
	})
}

// noHash is compared where there is no user, so that a name that exists takes as
// long as one that does not.
var noHash, _ = bcrypt.GenerateFromPassword([]byte("no such user"), bcrypt.DefaultCost)

func (s *sessions) logIn(w *http.Response, r *http.Request) error {
	c, err := readCredentials(r)
	if err != nil {
		return err
	}
	return http.Offload(w, func() (User, error) {
		u, hash, err := s.db.user(c.Name)
		if err != nil {
			return u, err
		}
		if hash == nil {
			hash = noHash
		}
		if bcrypt.CompareHashAndPassword(hash, []byte(c.Password)) != nil || u.ID == 0 {
			return u, http.StatusForbidden.Because("the name or the password is wrong")
		}
		return u, nil
	}, func(w *http.Response, u User) error {
		token := rand.Text()
		s.remember(token, session{u, r.Time().Add(sessionTime)}, r.Time())
		return w.JSON(map[string]string{"token": token})
	})
}

// remember begins a session. If there are too many, those that have ended go, and
// then any other.
func (s *sessions) remember(token string, begun session, now time.Time) {
	if len(s.users) >= sessionsMax {
		for t, old := range s.users {
			if now.After(old.ends) {
				delete(s.users, t)
			}
		}
	}
	for t := range s.users {
		if len(s.users) < sessionsMax {
			break
		}
		delete(s.users, t)
	}
	s.users[token] = begun
}

// require is middleware for handlers that need a user.
func (s *sessions) require(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		token, ok := strings.CutPrefix(r.Header("Authorization"), "Bearer ")
		found, known := s.users[token]
		if !ok || !known || r.Time().After(found.ends) {
			delete(s.users, token)
			w.Add("WWW-Authenticate", "Bearer")
			return http.StatusUnauthorized.Because("log in first")
		}
		user.Set(r, found.user)
		return next(w, r)
	}
}
