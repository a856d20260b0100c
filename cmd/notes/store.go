package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	_ "modernc.org/sqlite"

	"github.com/bobbin-http/bobbin/http"
)

// A User is a person with an account.
type User struct {
	ID   int64  `json:"-"`
	Name string `json:"name"`
}

// A Note is a text of a user.
type Note struct {
	ID   int64  `json:"id"`
	Text string `json:"text"`
}

// A store is the database. Its methods wait for the disk, so they are for Offload.
type store struct{ *sql.DB }

// patience is how long a question to the database may take.
const patience = 5 * time.Second

// pageMax is how many notes one answer has at most.
const pageMax = 100

func openStore(path string) (*store, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(4000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(`
		CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash BLOB NOT NULL);
		CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES users, text TEXT NOT NULL);
		CREATE INDEX IF NOT EXISTS notes_of ON notes (owner, id);`)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{db}, nil
}

func (s *store) addUser(name string, hash []byte) (User, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := s.ExecContext(ctx, `INSERT INTO users (name, hash) VALUES (?, ?) ON CONFLICT DO NOTHING`, name, hash)
	if err != nil {
		return User{}, err
	}
	if n, err := result.RowsAffected(); err != nil {
		return User{}, err
	} else if n == 0 {
		return User{}, http.StatusConflict.Because("the name is taken")
	}
	id, err := result.LastInsertId()
	return User{id, name}, err
}

// user returns a user and the hash of the password; no hash if there is no such
// user.
func (s *store) user(name string) (u User, hash []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = s.QueryRowContext(ctx, `SELECT id, name, hash FROM users WHERE name = ?`, name).Scan(&u.ID, &u.Name, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return u, hash, err
}

func (s *store) add(owner User, text string) (Note, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := s.ExecContext(ctx, `INSERT INTO notes (owner, text) VALUES (?, ?)`, owner.ID, text)
	if err != nil {
		return Note{}, err
	}
	id, err := result.LastInsertId()
	return Note{id, text}, err
}

// list returns the notes of a user with numbers above after.
func (s *store) list(owner User, after int64) (found []Note, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	rows, err := s.QueryContext(ctx, `SELECT id, text FROM notes WHERE owner = ? AND id > ? ORDER BY id LIMIT ?`, owner.ID, after, pageMax)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found = []Note{} // and not null, where there is none
	for rows.Next() {
		var n Note
		if err := rows.Scan(&n.ID, &n.Text); err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, rows.Err()
}

func (s *store) get(owner User, id int64) (n Note, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = s.QueryRowContext(ctx, `SELECT id, text FROM notes WHERE owner = ? AND id = ?`, owner.ID, id).Scan(&n.ID, &n.Text)
	if errors.Is(err, sql.ErrNoRows) {
		err = http.StatusNotFound
	}
	return n, err
}

func (s *store) remove(owner User, id int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := s.ExecContext(ctx, `DELETE FROM notes WHERE owner = ? AND id = ?`, owner.ID, id)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = http.StatusNotFound
	}
	return err
}
