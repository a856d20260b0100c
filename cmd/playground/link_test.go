package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseRun(t *testing.T) {
	for _, row := range []struct {
		name, link string
		want       run
		err        string
	}{
		{"no link is the opening", "", opening(), ""},
		{"a seed is enough", "seed=5", run{Seed: 5}, ""},
		{"the largest seed", "seed=18446744073709551615", run{Seed: 1<<64 - 1}, ""},
		{"changes and a turn", "seed=5&do=0:reads=50,3:slow&turn=7", run{5, []act{{0, "reads", 50}, {3, "slow", 0}}, 7}, ""},
		{"a comma and a colon may be escaped, as chats do", "seed=5&do=0%3Areads%3D50%2C3%3Aslow", run{5, []act{{0, "reads", 50}, {3, "slow", 0}}, 0}, ""},
		{"a link without a seed", "turn=3", run{}, `the seed of the link is ""`},
		{"a seed that is no number", "seed=red", run{}, `the seed of the link is "red"`},
		{"a seed that is too large", "seed=18446744073709551616", run{}, "must be a whole number"},
		{"a turn that is too far", "seed=1&turn=2001", run{}, "from 0 to 2000"},
		{"a turn below zero", "seed=1&turn=-1", run{}, "from 0 to 2000"},
		{"a client that there is not", "seed=1&do=0:fast", run{}, `"0:fast" in the link is neither a client nor a misfortune`},
		{"a client with a value", "seed=1&do=0:slow=3", run{}, "neither"},
		{"a misfortune without a value", "seed=1&do=0:reads", run{}, "needs a value from 0 to 100"},
		{"more than always", "seed=1&do=0:reads=101", run{}, "needs a value from 0 to 100"},
		{"a change without a turn", "seed=1&do=slow", run{}, "does not begin with a turn"},
		{"changes out of order", "seed=1&do=3:slow,0:reads=50", run{}, "order of their turns"},
		{"changes without end", "seed=1&do=" + strings.Repeat("0:slow,", 200) + "0:slow", run{}, "more than 200 changes"},
		{"a name of another page", "seed=1&speed=3", run{}, `"speed"`},
		{"half an escape", "seed=1&do=%z", run{}, "damaged"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := parseRun(row.link)
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Errorf("it is %v, %v", got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, row.want) {
				t.Errorf("it is %v, %v", got, err)
			}
		})
	}
}

// FuzzLink opens what links may have: a run that is read is written as it was read, and can
// be begun.
func FuzzLink(f *testing.F) {
	f.Add("")
	f.Add("seed=7&do=0:reads=50,3:slow&turn=5")
	f.Add("seed=18446744073709551615&do=0:reads=100,0:half,1:late=100,1:hints=100&turn=40")
	f.Fuzz(func(t *testing.T, link string) {
		r, err := parseRun(link)
		if err != nil {
			return
		}
		again, err := parseRun(r.String())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%s is read as %v, %v", r, again, err)
		}
		r.Turn = min(r.Turn, 50)
		p := new(play)
		if err := p.open(r); err != nil {
			t.Fatal(err)
		}
		defer p.machine.end()
		if p.run.Turn != r.Turn || len(p.machine.kernel.Faults()) > 0 {
			t.Errorf("%s ends at turn %d, with %v", r, p.run.Turn, p.machine.kernel.Faults())
		}
	})
}
