package middleware

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// quick replaces bcrypt by a comparison that costs nothing: a hash is a cost and the
// password. It returns the costs of the comparisons.
func quick(t *testing.T) *[]int {
	costs := new([]int)
	before := compare
	t.Cleanup(func() { compare = before })
	compare = func(hash, password []byte) error {
		cost, _ := strconv.Atoi(string(hash[4:6]))
		*costs = append(*costs, cost)
		if !bytes.Contains(hash, fmt.Appendf(nil, "|%s|", password)) {
			return errors.New("wrong")
		}
		return nil
	}
	return costs
}

// authOf makes a BasicAuth of names whose password is "right", and of costs.
func authOf(costs map[string]int) *BasicAuth {
	a, err := ParseUsers(strings.NewReader("x:$2a$04$7EqJtq98hPqEX7fNZaFWoOhi5BWX4Z1Z3MxE8lmyy6h6Zy/YPj4Oa"))
	if err != nil {
		panic(err)
	}
	clear(a.users)
	a.Checks = checksMax
	for name, cost := range costs {
		a.users[name] = fmt.Appendf(nil, "$2a$%02d$|right|%046d", cost, 0)
		a.highest = max(a.highest, cost)
	}
	return a
}

func login(c *httptest.Client, name, password string) (httptest.Answer, time.Duration) {
	began := c.Now()
	a := c.Get("/", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
	return a, c.Now().Sub(began)
}

// TestGuessesDoNotLockOut has clients guess, as fast as they are answered, while
// others log in. A check takes half a second.
func TestGuessesDoNotLockOut(t *testing.T) {
	owner := "10.0.9.%d"
	for _, row := range []struct {
		name     string
		guessers int
		conns    int // of each
		of       string
		as       string // who logs in
		from     string
	}{
		{"24 guess at one name, and its owner logs in from elsewhere", 24, 1, "ali", "ali", owner},
		{"24 guess on four connections each", 24, 4, "ali", "ali", owner},
		{"one guesses on a hundred connections", 1, 100, "ali", "ali", owner},
		{"others log in while 24 guess", 24, 4, "ali", "baba", owner},
		{"one logs in while 200 guess at another name", 200, 1, "baba", "ali", owner},
		{"names that do not exist are guessed", 24, 4, "nobody", "ali", owner},
	} {
		t.Run(row.name, func(t *testing.T) {
			quick(t)
			a := authOf(map[string]int{"ali": 10, "baba": 10})
			httptest.Run(t, httptest.Config{Handler: a.Wrap(hello), SlowWork: true}, func(c *httptest.Client) {
				over, guesses := false, 0
				for i := range row.guessers {
					for range row.conns {
						c.At(fmt.Sprintf("10.0.1.%d", i)).Go(func(c *httptest.Client) {
							for !over {
								guesses++
								if a, _ := login(c, row.of, fmt.Sprint(guesses)); a.Status == 200 {
									t.Error("a guess was right")
								}
								c.Sleep(200 * time.Millisecond)
							}
						})
					}
				}
				for i := range 12 {
					c.Sleep(time.Second)
					a.right = make(map[[32]byte]bool) // as if it had been another one
					from := row.from
					if from == owner {
						from = fmt.Sprintf(owner, i)
					}
					if answer, took := login(c.At(from), row.as, "right"); answer.Status != 200 || took > 5*time.Second {
						t.Errorf("login %d, after %v: %d", i, took, answer.Status)
					}
				}
				over = true
			})
			if n := a.first.clients.Len() + a.second.clients.Len() + len(a.first.byClient) + len(a.second.byClient) + a.checking; n != 0 {
				t.Errorf("%d attempts are left", n)
			}
		})
	}
}

// TestWhoSlippedIsNotKeptWaiting has newcomers ask for more checks than there can be,
// while one logs in that has failed before.
func TestWhoSlippedIsNotKeptWaiting(t *testing.T) {
	quick(t)
	a := authOf(map[string]int{"ali": 10})
	httptest.Run(t, httptest.Config{Handler: a.Wrap(hello), SlowWork: true}, func(c *httptest.Client) {
		if a, _ := login(c, "ali", "slip"); a.Status != 401 {
			t.Errorf("a slip: %d", a.Status)
		}
		for i := range 400 {
			c.At(fmt.Sprintf("10.1.%d.%d", i/200, i%200)).Go(func(c *httptest.Client) {
				c.Sleep(time.Duration(i) * 20 * time.Millisecond)
				login(c, fmt.Sprint("newcomer ", i), "right")
			})
		}
		c.Sleep(7 * time.Second)
		if a, took := login(c, "ali", "right"); a.Status != 200 || took > 5*time.Second {
			t.Errorf("after %v: %d", took, a.Status)
		}
	})
}

// TestFailuresPauseAClient counts how many guesses of one client are looked at in ten
// minutes, and what ends the pause.
func TestFailuresPauseAClient(t *testing.T) {
	costs := quick(t)
	a := authOf(map[string]int{"ali": 10})
	httptest.Run(t, httptest.Config{Handler: a.Wrap(hello)}, func(c *httptest.Client) {
		for i := range 4 {
			if a, _ := login(c, "ali", fmt.Sprint("slip ", i)); a.Status != 401 {
				t.Errorf("slip %d: %d", i, a.Status)
			}
		}
		if a, _ := login(c, "ali", "right"); a.Status != 200 {
			t.Errorf("the right one after four slips: %d", a.Status)
		}
		*costs = nil
		refused := 0
		for i := range 6000 {
			a, _ := login(c, "ali", fmt.Sprint(i))
			switch {
			case a.Status == 429 && a.Header("Retry-After") != "":
				refused++
			case a.Status != 401:
				t.Fatalf("guess %d: %v", i, a)
			}
			c.Sleep(100 * time.Millisecond)
		}
		if n := len(*costs); n < 15 || n > 25 || refused != 6000-n {
			t.Errorf("%d guesses in ten minutes were checked, and %d refused", n, refused)
		}
		if a, _ := login(c, "ali", "right"); a.Status != 200 {
			t.Errorf("what is remembered is not checked: %d", a.Status)
		}
		a.right = make(map[[32]byte]bool)
		if a, _ := login(c, "ali", "right"); a.Status != 429 {
			t.Errorf("during the pause: %d", a.Status)
		}
		c.Sleep(time.Minute)
		if a, _ := login(c, "ali", "right"); a.Status != 200 {
			t.Errorf("after the pause: %d", a.Status)
		}
		*costs = nil
		for range 100 {
			if a, _ := login(c.At("10.0.0.5"), "ali", "of last year"); a.Status != 401 {
				t.Errorf("a script with an old password: %d", a.Status)
			}
		}
		if n := len(*costs); n != 1 {
			t.Errorf("the same wrong password was checked %d times", n)
		}
	})
}

// TestGuessesOfThoseWhoLeaveCount has a client leave before it hears.
func TestGuessesOfThoseWhoLeaveCount(t *testing.T) {
	costs := quick(t)
	a := authOf(map[string]int{"ali": 10})
	httptest.Run(t, httptest.Config{Handler: a.Wrap(hello), SlowWork: true}, func(c *httptest.Client) {
		for i := range 300 {
			conn := c.Dial()
			conn.Send(httptest.Request("GET", "/", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString(fmt.Append(nil, "ali:", i))))
			c.Sleep(100 * time.Millisecond)
			conn.Reset()
		}
		c.Sleep(20 * time.Second)
		if n := len(*costs); n < 5 || n > 20 {
			t.Errorf("%d guesses in half a minute were checked", n)
		}
		if n := a.first.clients.Len() + a.second.clients.Len() + a.checking; n != 0 {
			t.Errorf("%d attempts are left", n)
		}
	})
}

// TestWhoLeavesWaitsNoMore has clients leave that wait for a check.
func TestWhoLeavesWaitsNoMore(t *testing.T) {
	a := authOf(map[string]int{"ali": 10})
	a.checking = checksMax
	httptest.Run(t, httptest.Config{Handler: a.Wrap(hello)}, func(c *httptest.Client) {
		for i := range 10 {
			c.Go(func(c *httptest.Client) {
				conn := c.Dial()
				conn.Send(httptest.Request("GET", "/", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString(fmt.Append(nil, "ali:", i))))
				c.Sleep(2 * time.Second)
				conn.Reset()
			})
		}
		c.Sleep(time.Second)
		if n := a.first.clients.Len(); n != 10 {
			t.Errorf("%d wait", n)
		}
		c.Sleep(2 * time.Second)
		if n := a.first.clients.Len() + len(a.first.byClient); n != 0 {
			t.Errorf("%d wait that have left", n)
		}
	})
}

// TestTheQueueOfChecksIsBounded has one client ask for more than may wait, and one
// for a single check.
func TestTheQueueOfChecksIsBounded(t *testing.T) {
	quick(t)
	a := authOf(map[string]int{"ali": 10})
	a.checking = checksMax // by others, which take long
	var server *http.Server
	config := httptest.Config{Handler: a.Wrap(hello), Server: func(s *http.Server) { server = s }}
	httptest.Run(t, config, func(c *httptest.Client) {
		var soon, late, right int
		for i := range waitingMax + 50 {
			c.Go(func(c *httptest.Client) {
				switch a, took := login(c, "ali", fmt.Sprint(i)); {
				case a.Status == 503 && took < time.Second:
					soon++
				case a.Status == 503 && took >= waitMax && took < waitMax+time.Second:
					late++
				}
			})
		}
		c.Sleep(5 * time.Second)
		c.At("10.0.0.2").Go(func(c *httptest.Client) {
			if a, _ := login(c, "ali", "right"); a.Status == 200 {
				right++
			}
		})
		c.Sleep(6 * time.Second)
		if soon != 50 || late != waitingMax-1 {
			t.Errorf("%d were refused at once, and %d when they had waited", soon, late)
		}
		server.Loop().Post(func() {
			a.checking = 0
			a.serve(server.Loop())
		})
		c.Sleep(time.Second)
		if right != 1 {
			t.Error("a client that asked for one check did not get it")
		}
	})
}

// TestAWrongPasswordTakesTheTimeOfTheDearestHash adds up the costs.
func TestAWrongPasswordTakesTheTimeOfTheDearestHash(t *testing.T) {
	costs := quick(t)
	a := authOf(map[string]int{"cheap": 5, "middle": 9, "dear": 12})
	for _, name := range []string{"cheap", "middle", "dear", "nobody"} {
		*costs = nil
		if a.check(name, "wrong") {
			t.Errorf("%s: a wrong password is right", name)
		}
		time := 0
		for _, c := range *costs {
			time += 1 << c
		}
		if time != 1<<12 {
			t.Errorf("%s: a wrong password takes the time of %v", name, *costs)
		}
		*costs = nil
		if right := a.check(name, "right"); right != (name != "nobody") || right && len(*costs) != 1 {
			t.Errorf("%s: the right password takes the time of %v", name, *costs)
		}
	}
	var lines []string
	for name, cost := range map[string]int{"a": 4, "b": 6} {
		hash, err := bcrypt.GenerateFromPassword([]byte("x"), cost)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, name+":"+string(hash))
	}
	slices.Sort(lines)
	if a, err := ParseUsers(strings.NewReader(strings.Join(lines, "\n"))); err != nil || a.highest != 6 {
		t.Errorf("the highest cost is %d, %v", a.highest, err)
	}
}

// TestFailuresAreForgotten fills the tables, which have a size.
func TestFailuresAreForgotten(t *testing.T) {
	r := recent[int, int]{most: 100}
	for i := range 10_000 {
		r.put(i, i)
		r.put(-1, i)
		if len(r.new)+len(r.old) > 101 {
			t.Fatalf("%d are remembered", len(r.new)+len(r.old))
		}
	}
	if v, ok := r.get(-1); !ok || v != 9999 {
		t.Error("the one that came all the time is forgotten")
	}
	if _, ok := r.get(0); ok {
		t.Error("the first one is not")
	}
	if r.forget(-1); r.new[-1] != 0 || r.old[-1] != 0 {
		t.Error("what is to be forgotten is not")
	}
}

// TestChecksTakeTurns has one client ask for two names and another for one.
func TestChecksTakeTurns(t *testing.T) {
	var q queue
	client := func(n byte) (c eventloop.Client) { c[0] = n; return c }
	label := make(map[*attempt]string)
	push := func(who, name byte, n int) {
		for range n {
			a := &attempt{client: client(who), name: client(name)}
			label[a] = fmt.Sprintf("%d%c ", who, name)
			q.push(a)
		}
	}
	push(1, 'a', 5)
	push(1, 'b', 2)
	push(2, 'a', 2)
	got := ""
	for range 6 {
		a, ok := q.pop()
		if !ok {
			t.Fatal("none waits")
		}
		got += label[a]
	}
	if want := "1a 2a 1b 2a 1a 1b "; got != want {
		t.Errorf("the order is %s, not %s", got, want)
	}
	push(2, 'a', 1)
	push(1, 'c', 2)
	if a := q.dropLast(); label[a] != "1a " { // of 3a and 2c
		t.Errorf("%s makes room", label[a])
	}
	gone := &attempt{client: client(3), name: client('a')}
	q.push(gone)
	q.remove(gone)
	n := 0
	for _, ok := q.pop(); ok; _, ok = q.pop() {
		n++
	}
	if n != 5 || len(q.byClient) != 0 || gone.queue != nil {
		t.Errorf("%d were left to pop, and %d clients after", n, len(q.byClient))
	}
}
