package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Attacks on a disk that hangs: which requests wait for it?

// hangingFiles requests names on a mount that never answers, and stops the victim
// during the requests.
func hangingFiles(t *trial) error {
	site := filepath.Join(t.folder, "site")
	hanging := filepath.Join(site, "hanging")
	for _, dir := range []string{site, filepath.Join(site, "u"), hanging} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	for k := range uncached {
		if err := os.Link(filepath.Join(t.site, uncachedName(k)), filepath.Join(site, uncachedName(k))); err != nil {
			return err
		}
	}
	if err := os.Link(filepath.Join(t.site, "small.txt"), filepath.Join(site, "small.txt")); err != nil {
		return err
	}
	if err := t.hang(hanging); err != nil {
		return err
	}
	return t.besiege(plan{order: order{site: site, args: t.brief()}, holding: true, status: []int{0, 3}, attack: func(s *siege) error {
		s.crowd.open(64, func(i int, p *peer) error {
			return p.send(get(s.victim, fmt.Sprintf("/hanging/%d.txt", i)))
		})
		s.hold(2*time.Second, 40*time.Second)
		return nil
	}})
}
