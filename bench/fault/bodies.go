package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Attacks with bodies and passwords: are honest ones processed in time?

// turn is the longest time of an honest request.
const turn = 5 * time.Second

// An honest client makes few requests, and each must succeed.
type honest struct {
	trial  *trial
	client *client
	made   int
	worst  time.Duration
}

// asks makes a request and checks its answer.
func (h *honest) asks(a ask) {
	ctx, cancel := context.WithTimeout(h.trial.ctx, turn)
	defer cancel()
	began := time.Now()
	if err := h.client.once(ctx, a); err != nil {
		h.trial.fail("honest request %d to %s: %s", h.made+1, a.path, reason(err))
	}
	h.worst = max(h.worst, time.Since(began))
	h.made++
}

func (h *honest) report() { h.trial.log("honest", "%d requests, each within %s", h.made, ms(h.worst)) }

// hoardedBodies sends 1 MiB except for ten bytes on each of 64 connections, and then
// a byte every ten seconds.
func hoardedBodies(t *trial) error {
	const hoarders, size, missing = 64, 1 << 20, 10
	return t.besiege(plan{order: order{embedded: true}, logs: false, attack: func(s *siege) error {
		head := fmt.Sprintf("POST /take HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", s.victim.address, size)
		body := make([]byte, size-missing)
		hoard := s.crowd.open(hoarders, func(_ int, p *peer) error {
			if err := p.send([]byte(head)); err != nil {
				return err
			}
			return p.send(body)
		})
		s.crowd.each(hoard, 10*time.Second, func(_ int, p *peer) { p.send([]byte("x")) })
		h := honest{trial: s.trial, client: newClient(s.victim, s.victim.probe)}
		body8k := strings.Repeat("x", 8000)
		for range pick(s.trial, 4, 60) {
			h.asks(ask{method: "POST", path: "/take", body: body8k, status: 200})
			s.wait(500 * time.Millisecond)
		}
		h.report()
		s.log("attackers", "%d of %d still connected", count(hoard), len(hoard))
		return nil
	}})
}

// guessedPasswords has 24 peers try wrong passwords in sequence. Each honest login is
// that of another user, since correct passwords are remembered.
func guessedPasswords(t *trial) error {
	const guessers = 24
	logins := pick(t, 4, 30)
	users, err := t.users(logins)
	if err != nil {
		return err
	}
	as := func(name, password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password)) + "\r\n"
	}
	known := func(k int) ask {
		a := goodAsks(k)
		a.fields = as("user0", password)
		return a
	}
	v, err := t.start(order{args: []string{"--auth", users}})
	if err != nil {
		return err
	}
	if err := newClient(v, v.probe).once(t.ctx, known(0)); err != nil {
		return fmt.Errorf("the probe's login failed: %w", err)
	}
	return t.besiegeVictim(v, plan{asks: known, attack: func(s *siege) error {
		var guesses sync.WaitGroup
		ctx, cancel := context.WithCancel(s.ctx)
		for i := range guessers {
			c := newClient(v, "127.0.0.1")
			guesses.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					c.once(ctx, ask{path: "/small.txt", fields: as("user1", fmt.Sprintf("wrong-%d-%d", i, n)), status: 401})
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
		h := honest{trial: s.trial, client: newClient(v, v.probe)}
		for i := range logins {
			h.asks(ask{path: "/small.txt", fields: as(fmt.Sprintf("user%d", i+1), password), status: 200})
			s.wait(300 * time.Millisecond)
		}
		h.report()
		cancel()
		guesses.Wait()
		return nil
	}})
}

const password = "correct horse battery staple"

// users makes a file for --auth, with user0 to usern and one password for all.
func (t *trial) users(n int) (file string, err error) {
	hash := exec.Command(t.bobbin, "hash", "user")
	hash.Stdin = strings.NewReader(password + "\n")
	out, err := hash.Output()
	if err != nil {
		return "", fmt.Errorf("bobbin hash: %w", err)
	}
	_, secret, ok := strings.Cut(strings.TrimSpace(string(out)), ":")
	if !ok {
		return "", errors.New("bobbin hash: output is not NAME:HASH")
	}
	var lines strings.Builder
	for i := range n + 1 {
		fmt.Fprintf(&lines, "user%d:%s\n", i, secret)
	}
	file = filepath.Join(t.folder, "users")
	return file, os.WriteFile(file, []byte(lines.String()), 0o600)
}
