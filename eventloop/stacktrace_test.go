package eventloop

import (
	"strings"
	"testing"
)

// Goroutines as the runtime prints them, G being one's number.
const (
	turning = `goroutine G [sleep]:
time.Sleep(0x3b9aca00)
	/usr/local/go/src/runtime/time.go:363 +0x165
main.slow(...)
	/home/x/main.go:12
github.com/bobbin-http/bobbin/http.(*conn).Speak(0x5adde0, {0xc000, 0x10, 0x10})
	/src/bobbin/http/conn.go:70 +0x9
github.com/bobbin-http/bobbin/eventloop.(*Loop).turn(0x5adde0)
	/src/bobbin/eventloop/loop.go:190 +0x58
created by main.main in goroutine 1
	/home/x/main.go:17 +0x45`

	lending = `goroutine G [coroutine, 2 minutes]:
iter.Pull[...].func2()
	/usr/local/go/src/iter/iter.go:317 +0x5b
github.com/bobbin-http/bobbin/eventloop.(*Loop).turn(0x5adde0)
	/src/bobbin/eventloop/loop.go:190 +0x58`

	pausing = `goroutine G [coroutine]:
iter.Pull[...].func1.1()
	/usr/local/go/src/iter/iter.go:287 +0x4f
github.com/bobbin-http/bobbin/eventloop.(*Loop).NewTask.func1(0x37f235a0160)
	/src/bobbin/eventloop/task.go:52 +0x5d
iter.Pull[...].func1()
	/usr/local/go/src/iter/iter.go:301 +0xe5
created by iter.Pull[...] in goroutine PARENT
	/usr/local/go/src/iter/iter.go:271 +0x90`

	running = `goroutine G [chan receive]:
main.slow(...)
	/home/x/main.go:12
github.com/bobbin-http/bobbin/eventloop.(*Loop).NewTask.func1(0x37f235a0160)
	/src/bobbin/eventloop/task.go:52 +0x5d
iter.Pull[...].func1()
	/usr/local/go/src/iter/iter.go:301 +0xe5
created by iter.Pull[...] in goroutine PARENT
	/usr/local/go/src/iter/iter.go:271 +0x90`

	stranger = `goroutine G [running]:
main.main()
	/home/x/main.go:20 +0x7f`
)

func TestCulprit(t *testing.T) {
	g := func(stack, number, parent string) string {
		return strings.NewReplacer("G", number, "PARENT", parent).Replace(stack)
	}
	rows := []struct {
		name   string
		stacks []string
		want   string // its number
	}{
		{"it is the loop's own goroutine", []string{g(stranger, "1", ""), g(turning, "7", "")}, "7"},
		{"a number that begins like it is another's", []string{g(turning, "71", ""), g(turning, "7", "")}, "7"},
		{"a pausing coroutine is innocent", []string{g(pausing, "8", "7"), g(turning, "7", "")}, "7"},
		{"while the loop has lent itself, it is the coroutine that runs",
			[]string{g(lending, "7", ""), g(pausing, "8", "7"), g(running, "9", "7")}, "9"},
		{"another loop's coroutine is innocent",
			[]string{g(lending, "7", ""), g(lending, "3", ""), g(running, "4", "3"), g(running, "9", "7")}, "9"},
		{"a coroutine of a coroutine is found",
			[]string{g(lending, "7", ""), g(lending, "3", ""), g(running, "4", "3"), g(pausing, "8", "7"), g(running, "9", "8")}, "9"},
		{"even if who has started it is gone",
			[]string{g(lending, "7", ""), g(stranger, "1", ""), g(running, "9", "8")}, "9"},
		{"a goroutine that is no coroutine is innocent", []string{g(lending, "7", ""), g(stranger, "1", "")}, ""},
		{"a loop that is not there has none", []string{g(turning, "8", "")}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			want := ""
			if row.want != "" {
				want = "goroutine " + row.want
			}
			if got := name(offenderStack(strings.Join(row.stacks, "\n\n"), "goroutine 7")); got != want {
				t.Errorf("it is %q, want %q", got, want)
			}
		})
	}
}

func TestBlame(t *testing.T) {
	const ground, loop, language = "github.com/bobbin-http/bobbin", "github.com/bobbin-http/bobbin/eventloop", "github.com/bobbin-http/bobbin/http"
	rows := []struct {
		name   string
		frames []string // function and place, the innermost first
		want   string
	}{
		{"it is the line that sleeps, not the sleep", []string{
			"time.Sleep(0x1)", "/go/src/runtime/time.go:363 +0x1", "main.slow(...)", "/home/x/main.go:12"}, "main.go:12 main.slow"},
		{"a method has its type", []string{
			"github.com/x/app/shop.(*Cart).Sum(0x1, {0x2, 0x3})", "/home/x/cart.go:7 +0x1"}, "cart.go:7 shop.(*Cart).Sum"},
		{"a generic function has its place", []string{
			"main.each[...](0x1)", "/home/x/main.go:7 +0x1"}, "main.go:7 main.each[...]"},
		{"the standard library is not to blame, however deep", []string{
			"internal/poll.(*FD).Read(0x1)", "/go/src/internal/poll/fd.go:1 +0x1",
			"database/sql.(*DB).Query(0x1)", "/go/src/database/sql/sql.go:1 +0x1",
			"main.ask()", "/home/x/main.go:7 +0x1"}, "main.go:7 main.ask"},
		{"nor is the way through this module", []string{
			language + ".(*Request).Body(0x1)", "/src/http/body.go:1 +0x1", "main.ask()", "/home/x/main.go:7 +0x1"}, "main.go:7 main.ask"},
		{"an extra is a handler like any", []string{
			"os.Open(0x1)", "/go/src/os/file.go:1 +0x1", language + "/static.(*site).find(0x1)", "/src/http/static/find.go:9 +0x1",
			"main.mine()", "/home/x/main.go:7 +0x1"}, "find.go:9 static.(*site).find"},
		{"if it was our call, that is said", []string{
			"syscall.Syscall6(0x1)", "/go/src/syscall/x.go:1 +0x1", ground + ".(*epoll).SendFile(0x1)", "/src/poller_linux.go:9 +0x1",
			loop + ".(*Loop).turn(0x1)", "/src/eventloop/loop.go:9 +0x1"}, "poller_linux.go:9 bobbin.(*epoll).SendFile"},
		{"who has started the goroutine is innocent", []string{
			"time.Sleep(0x1)", "/go/src/runtime/time.go:363 +0x1", "created by main.(*x).main in goroutine 1", "/home/x/main.go:12 +0x1"}, ""},
		{"nothing says nothing", nil, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			stack := "goroutine 7 [sleep]:"
			for i, line := range row.frames {
				stack += "\n" + strings.Repeat("\t", i%2) + line
			}
			if got := firstUserFrame(stack); got != row.want {
				t.Errorf("it is %q, want %q", got, row.want)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	long := "goroutine 7 [running]:\n" + strings.Repeat("main.deep()\n\t/home/x/main.go:7 +0x1\n", 1000)
	rows := []struct {
		name  string
		stack string
		ends  string
	}{
		{"what is below the turn is left out", turning, "/http/conn.go:70 +0x9"},
		{"so is what is below a task", running, "/home/x/main.go:12"},
		{"what is no loop's stays", stranger, "/home/x/main.go:20 +0x7f"},
		{"what is too long ends with a line", long, "\n..."},
		{"nothing stays nothing", "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := shorten(row.stack); !strings.HasSuffix(got, row.ends) || len(got) > longestStack {
				t.Errorf("%d bytes: %s", len(got), got)
			}
		})
	}
}
