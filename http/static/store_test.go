package static

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// TestASlowAnswerOfTheDiskReplacesNoLaterOne stores two results for a path in the wrong
// order.
func TestASlowAnswerOfTheDiskReplacesNoLaterOne(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, row := range []struct {
		name   string
		stable bool
		cache  func(f *Files) *cache
	}{
		{"in the cache", true, func(f *Files) *cache { return &f.cache }},
		{"among the unsure", false, func(f *Files) *cache { return &f.unsure }},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := open(t, tree(t, nil), Options{})
			result := func(asked time.Time) *entry {
				return f.store(&found{path: "/a", root: f.root, stable: row.stable, err: http.StatusNotFound}, asked)
			}
			later := result(now)
			slow := result(now.Add(-time.Second))
			if kept := row.cache(f).get([]byte("/a")); kept != later || slow == later {
				t.Errorf("%v is kept, not %v", kept, later)
			}
			last := result(now.Add(time.Second))
			if kept := row.cache(f).get([]byte("/a")); kept != last {
				t.Errorf("%v is kept, not %v", kept, last)
			}
		})
	}
}
