package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// A onceHandler logs each line once. Loops that serve the same folder share it, because
// each of them finds the same in there.
type onceHandler struct {
	slog.Handler
	logged *sync.Map // by message and attributes, of which the loops make few
}

// once returns a logger that logs each line once.
func once(log *slog.Logger) *slog.Logger {
	return slog.New(onceHandler{log.Handler(), &sync.Map{}})
}

func (h onceHandler) Handle(ctx context.Context, r slog.Record) error {
	line := []string{r.Message}
	r.Attrs(func(a slog.Attr) bool {
		line = append(line, a.String())
		return true
	})
	if _, again := h.logged.LoadOrStore(strings.Join(line, "\x00"), true); again {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
