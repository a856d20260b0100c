package main

import (
	"encoding/json"
	"syscall/js"
)

// The page's program. Its worker calls one function, which returns JSON.
func main() {
	p := new(play)
	js.Global().Set("playground", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if what := args[0].String(); what == "words" {
			text, err := json.Marshal(pageWords())
			if err != nil {
				panic(err) // these types have a form in JSON
			}
			return string(text)
		}
		return p.view(p.do(args[0].String(), args[1].String()))
	}))
	select {}
}

// words are those of what the reader can do. The others come with the page's code.
type words struct {
	Knobs     []word `json:"knobs"`
	Habits    []word `json:"habits"`
	HighWater int    `json:"highWater"`
}

func pageWords() words {
	w := words{HighWater: highWater}
	for _, k := range knobs {
		w.Knobs = append(w.Knobs, word{k.ID, k.Name, k.Text})
	}
	for _, h := range habits {
		w.Habits = append(w.Habits, word{h.ID, h.Name, h.Text})
	}
	return w
}
