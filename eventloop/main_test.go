package eventloop

import (
	"log/slog"
	"os"
	"testing"
)

// TestMain silences the default logger, which loops without a Log have: many tests are
// about things that go wrong.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
