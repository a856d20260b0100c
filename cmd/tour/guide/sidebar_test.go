package guide

import (
	"testing"

	"github.com/bobbin-http/bobbin/cmd/tour/sidebars"
)

// TestEachSidebarCountsAsItSays runs each in a process of its own, as the guide does.
func TestEachSidebarCountsAsItSays(t *testing.T) {
	t.Parallel()
	for _, s := range sidebars.All {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			g := &Guide{Program: self(t)}
			careless, careful, err := g.countApart(s)
			if err != nil || !s.Expects(careless, careful) {
				t.Errorf("careless %d, careful %d, %v", careless, careful, err)
			}
			t.Logf("careless %d, careful %d %s", careless, careful, s.Counts)
		})
	}
}
