package guide

import (
	"github.com/bobbin-http/bobbin/cmd/tour/breaks"
	parser "github.com/bobbin-http/bobbin/cmd/tour/steps/07-parser"
	keepalive "github.com/bobbin-http/bobbin/cmd/tour/steps/08-keepalive"
	timers "github.com/bobbin-http/bobbin/cmd/tour/steps/09-timers"
	backpressure "github.com/bobbin-http/bobbin/cmd/tour/steps/10-backpressure"
	tls "github.com/bobbin-http/bobbin/cmd/tour/steps/11-tls"
	bobbin "github.com/bobbin-http/bobbin/cmd/tour/steps/12-bobbin"
)

// secondHalf are the steps from a parser to bobbin itself.
var secondHalf = []Step{
	{
		Number: 7, Name: "parser", Title: "bytes are kept until they are a request",
		Belief: "One read is one request.",
		Story: "The server keeps what a client has sent until it is a whole request, answers that, and closes the connection. " +
			"So requests may come byte by byte. Now eight clients each send two requests in one packet.",
		Question: "How many of the sixteen requests are answered?",
		Guesses:  [3]string{"sixteen", "eight", "none: two requests at once are not whole"},
		Right:    1,
		Lesson: "A client need not wait for an answer before it sends the next request, and TCP puts both into one packet. " +
			"Where a request ends, only the parser knows. Step 8 keeps what is behind it, and the connection.",
		Break: breaks.TwoAtOnce, Serve: plain(parser.Serve),
	},
	{
		Number: 8, Name: "keepalive", Title: "a connection stays open",
		Belief: "An idle connection costs nothing.",
		Story: "A connection stays open for the next request, so that a client need not connect again for each. " +
			"Each holds a descriptor and some memory, so the server has 64 at most. Now 64 clients connect and say nothing. Then one asks for a page.",
		Question: "What becomes of the newcomer?",
		Guesses:  [3]string{"it is answered: the others want nothing", "it waits until one of the others leaves", "it is refused, and so is the next one, for ever"},
		Right:    2,
		Lesson: "What costs is the place. A client holds one without a byte, for as long as it likes. " +
			"Step 9 gives each client a deadline, and closes those that let it pass.",
		Break: breaks.Full, Serve: plain(keepalive.Serve),
	},
	{
		Number: 9, Name: "timers", Title: "every wait has a deadline",
		Belief: "Write sends all of its bytes.",
		Story: "A client has two seconds for its request. For an answer it has as long as it takes some of it every two seconds. " +
			"Write takes as much as the socket has room for, so the server keeps the rest, and sends it later. " +
			"Now four clients ask for /big, an answer of 16 MB, and read only the beginning.",
		Question: "How much memory do the four cost?",
		Guesses:  [3]string{"about 1 MB: the network has the rest", "16 MB: it is the same answer", "64 MB: 16 MB for each client"},
		Right:    2,
		Lesson: "A socket takes some hundred kilobytes, and the rest waits in the server, once for each client. " +
			"A client can ask again and again, and need not read. Step 10 makes an answer as fast as its client takes it.",
		Break: breaks.SlowReaders, Serve: plain(timers.Serve),
	},
	{
		Number: 10, Name: "backpressure", Title: "an answer is made as it is taken",
		Belief: "A connection is wrapped in TLS, and that is all.",
		Story: "The server keeps 32 KB of an answer at a time, and reads a client's next request when it has taken the answer to the one before. " +
			"Now a client begins to speak TLS, and stops in the middle of its first message. Then eight others ask for a page by TLS.",
		Question: "How many of the eight are answered?",
		Guesses:  [3]string{"all eight: TLS is for the clients to know", "none: to this server it is garbage", "none: they wait for the one that stops"},
		Right:    1,
		Lesson: "TLS begins with a conversation of its own: messages to and fro before there is any request. The server waits for the end of a request in them. " +
			"To wrap it around the connection does not help a loop: see --wrong naive. Step 11 has TLS wait without waiting.",
		Break: breaks.HalfHandshake, Serve: backpressure.Serve,
		Wrong: []Wrong{{
			Name: "naive",
			Story: "With --wrong naive, package tls is put around each connection, as programs with threads do it, and the one thread reads from it. " +
				"A client sends half of its first message. Then eight others ask for a page, in the way that the server speaks.",
			Break:  breaks.NaiveTLS,
			Lesson: "To the caller, a handshake is one read. In truth it is several, and each waits for the client. The loop waits with it, as step 1 did.",
		}},
	},
	{
		Number: 11, Name: "tls", Title: "TLS on the loop",
		Belief: "An event loop makes code fast.",
		Story: "Crypto/tls reads from memory and writes to memory. When it wants more than has come, the loop suspends it, and goes on with other clients. " +
			"A handler is a function on the loop. Now one client asks for /sleep, whose handler sleeps for 200 ms. Meanwhile eight others ask for 64 pages.",
		Question: "How many of the 64 pages come while the handler sleeps?",
		Guesses:  [3]string{"all: a loop does not wait", "some, until the handler is reached", "none"},
		Right:    2,
		Lesson: "There is one thread, and a handler has it until it returns. The loop itself was never slow, so only a second thread can name the handler that has held it: " +
			"the watchdog. Step 12 runs what may wait somewhere else.",
		Break: breaks.Sleeper, Serve: plain(tls.Serve),
	},
	{
		Number: 12, Name: "bobbin", Title: "the same, as a library",
		Belief: "Now it cannot break.",
		Story: "All of this is in bobbin: a loop, deadlines, back-pressure, TLS, limits on all that grows. The step is the pages alone. " +
			"It is given all eleven breaks. To see its loop at work, serve it and open /-/xray in a browser.",
		Lesson: "What still hurts: a handler that computes or sleeps on the loop holds all its clients, here as in step 11. Bobbin names it, and has Blocking and Offload for it, but cannot know. " +
			"With one loop it uses one processor: --loops has more, but a connection stays on its loop. " +
			"There are 16,384 places in place of 64, or fewer if the system gives fewer descriptors. When all are taken, the address that holds most of them makes room. " +
			"And a client that takes its answer just fast enough for the limits keeps its place.",
		Serve: plain(bobbin.Serve),
	},
}
