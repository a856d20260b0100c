package h2

import "testing"

// TestPriority has field values and what they say.
func TestPriority(t *testing.T) {
	unset := Priority{Urgency: 3}
	tests := []struct {
		name  string
		value string
		want  Priority
		ok    bool
	}{
		{"nothing says nothing", "", unset, true},
		{"spaces say nothing", "  ", unset, true},
		{"an urgency", "u=0", Priority{0, false}, true},
		{"incremental", "i", Priority{3, true}, true},
		{"both, as Chromium sends them", "u=1, i", Priority{1, true}, true},
		{"both without a space", "i,u=7", Priority{7, true}, true},
		{"a tab may be around a comma", "u=2\t,\ti", Priority{2, true}, true},
		{"spaces may be around all", "  u=2 ", Priority{2, false}, true},
		{"incremental may be said in full", "i=?1", Priority{3, true}, true},
		{"and denied", "i, i=?0", Priority{3, false}, true},
		{"the last of two counts", "u=1,u=2", Priority{2, false}, true},
		{"the last counts even if it cannot be", "u=1,u=x", unset, true},
		{"an urgency has no 8", "u=8, i", Priority{3, true}, true},
		{"an urgency is not below 0", "u=-1, i", Priority{3, true}, true},
		{"an urgency is no decimal", "u=1.0, i", Priority{3, true}, true},
		{"an urgency is no boolean", "u, i", Priority{3, true}, true},
		{"incremental is no integer", "u=1, i=1", Priority{1, false}, true},
		{"-0 is 0", "u=-0", Priority{0, false}, true},
		{"parameters are skipped", "u=1;a;b=2;c=\"x\\\"y\", i;z", Priority{1, true}, true},
		{"other members are skipped", `a=1, *b-_.*=t/ok:en, c="s ~;,", d=:YQ==:, e=(1 "x" y;q=1);p, f=-1.5, g=@1659578233, h=%"~ %a3%bf", k=123456789012345, l=-123456789012.123, u=1`, Priority{1, false}, true},
		{"an inner list may be empty", "a=( ), u=1", Priority{1, false}, true},
		{"names that begin alike are others", "uu=1, ii", unset, true},

		{"a comma at the end spoils all", "u=1,", unset, false},
		{"a comma at the beginning, too", ",u=1", unset, false},
		{"no comma, too", "u=1 i", unset, false},
		{"a name in upper case, too", "u=1, I", unset, false},
		{"a space around the equals sign, too", "u= 1", unset, false},
		{"no value, too", "u=", unset, false},
		{"an unknown boolean, too", "u=1, i=?2", unset, false},
		{"half a boolean, too", "u=1, i=?", unset, false},
		{"too many digits, too", "u=1, a=1234567890123456", unset, false},
		{"too long a decimal, too", "u=1, a=1234567890123.0", unset, false},
		{"a decimal without a fraction, too", "u=1, a=1.", unset, false},
		{"a decimal with too fine a one, too", "u=1, a=1.2345", unset, false},
		{"a sign alone, too", "u=1, a=-", unset, false},
		{"an open string, too", `u=1, a="x`, unset, false},
		{"a string with another escape, too", `u=1, a="\x"`, unset, false},
		{"a string with a control character, too", "u=1, a=\"\x01\"", unset, false},
		{"open bytes, too", "u=1, a=:YQ", unset, false},
		{"an open list, too", "u=1, a=(1 2", unset, false},
		{"a list without spaces, too", `u=1, a=("x""y")`, unset, false},
		{"a date with a fraction, too", "u=1, a=@1.5", unset, false},
		{"a display string without its escape, too", `u=1, a=%"%C3"`, unset, false},
		{"a list with something unknown, too", "u=1, a=(!)", unset, false},
		{"a list with a bad parameter, too", "u=1, a=(1;)", unset, false},
		{"a parameter without a value, too", "u=1;a=", unset, false},
		{"a display string without quotes, too", "u=1, a=%x", unset, false},
		{"an open display string, too", `u=1, a=%"x`, unset, false},
		{"a display string with a control character, too", "u=1, a=%\"\x01\"", unset, false},
		{"a parameter without a name, too", "u=1;=2", unset, false},
		{"NUL, too", "u=1\x00", unset, false},
		{"a byte above ASCII, too", "u=1, \xff", unset, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := DefaultPriority
			if ok := p.Update([]byte(test.value)); p != test.want || ok != test.ok {
				t.Errorf("%q: %v, %v; want %v, %v", test.value, p, ok, test.want, test.ok)
			}
		})
	}
}

// TestPriorityOfAnswer lets an answer override what it names, and nothing else.
func TestPriorityOfAnswer(t *testing.T) {
	p := Priority{1, true}
	if p.Update([]byte("u=5")); p != (Priority{5, true}) {
		t.Errorf("%v", p)
	}
	if p.Update([]byte("i=?0, x=1")); p != (Priority{5, false}) {
		t.Errorf("%v", p)
	}
	if p.Update([]byte("u=1, broken=")); p != (Priority{5, false}) {
		t.Errorf("%v", p)
	}
}
