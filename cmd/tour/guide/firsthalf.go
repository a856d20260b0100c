package guide

import (
	"github.com/bobbin-http/bobbin/cmd/tour/breaks"
	blocking "github.com/bobbin-http/bobbin/cmd/tour/steps/01-blocking"
	threads "github.com/bobbin-http/bobbin/cmd/tour/steps/02-threads"
	busy "github.com/bobbin-http/bobbin/cmd/tour/steps/03-busy"
	poll "github.com/bobbin-http/bobbin/cmd/tour/steps/04-poll"
	level "github.com/bobbin-http/bobbin/cmd/tour/steps/05-level"
	edge "github.com/bobbin-http/bobbin/cmd/tour/steps/06-edge"
)

// firstHalf are the steps from a blocking server to an edge-triggered loop.
var firstHalf = []Step{
	{
		Number: 1, Name: "blocking", Title: "one client at a time",
		Belief: "A loop around accept serves many clients.",
		Story: "The server accepts a client, reads its request, answers, closes the connection, and accepts the next client. " +
			"One client connects and says nothing. Then eight others ask for a page.",
		Question: "How many of the eight are answered?",
		Guesses:  [3]string{"all eight: the silent client has asked for nothing", "seven: the one behind the silent client has bad luck", "none"},
		Right:    2,
		Lesson: "Read waits for the silent client, so the loop does not come to accept again. " +
			"Any client can stop this server, without sending a byte. Step 2 gives each client a thread that may wait.",
		Break: breaks.Silent, Serve: plain(blocking.Serve),
	},
	{
		Number: 2, Name: "threads", Title: "a thread for each client",
		Belief: "Threads are free.",
		Story: "The server gives each client a thread. It may have 256 of them. " +
			"Now 300 clients connect and say nothing. Then eight others ask for a page.",
		Question: "How many of the eight are answered?",
		Guesses:  [3]string{"all eight: they have threads of their own", "none: the server's process is no more", "eight, as soon as some of the 300 have given up"},
		Right:    1,
		Lesson: "A waiting thread does no work, but it is there: it has a stack, and a place among the threads that the system allows. " +
			"Clients cost nothing to make, so they win. Step 3 serves all clients on one thread.",
		Break: breaks.ManySilent, Serve: plain(threads.Serve),
	},
	{
		Number: 3, Name: "busy", Title: "one thread that asks all the time",
		Belief: "Calls that do not wait are efficient.",
		Story: "No call of the server waits any more: where there is nothing to read, the kernel says \"not now\". " +
			"The one thread asks each socket in turn. Now no client comes at all.",
		Question: "How many calls does the server make in the meantime?",
		Guesses:  [3]string{"none", "a few hundred", "as many as the processor can"},
		Right:    2,
		Lesson: "Not to wait is not the same as to have something to do. A server without clients takes a whole processor, " +
			"and all answers are \"not now\". Step 4 lets the kernel say when there is something to do.",
		Break: breaks.Nothing, Serve: plain(busy.Serve),
	},
	{
		Number: 4, Name: "poll", Title: "the kernel says when",
		Belief: "The cost is what is ready.",
		Story: "The server gives poll its list of sockets, and sleeps until one of them is ready. " +
			"Now 1,000 clients are connected and idle. One more asks for a page.",
		Question: "How many sockets are looked at for each one that is ready?",
		Guesses:  [3]string{"one", "ten or so", "all: more than a thousand"},
		Right:    2,
		Lesson: "Poll forgets the list when it returns. The kernel looks at each entry, and so does the server, for one client that has asked. " +
			"Idle clients are what a server has most of. Step 5 lets the kernel keep the list.",
		Break: breaks.Idle, Serve: plain(poll.Serve),
	},
	{
		Number: 5, Name: "level", Title: "the kernel keeps the list",
		Belief: "An event is news.",
		Story: "The kernel keeps the list, by epoll or kqueue, and returns only sockets that are ready. " +
			"A client asks for /wait: the server keeps it until another client asks for /go, and reads no more from it until then. " +
			"The client sends its next request all the same.",
		Question: "How often does the kernel report that one request?",
		Guesses:  [3]string{"once", "twice: when it comes, and when the server reads again", "again and again, without a pause"},
		Right:    2,
		Lesson: "Level-triggered means: reported as long as there is something to read. The server does not want to read, so it never sleeps. " +
			"It could take the client off the list and put it back, with a call to the kernel each time. Step 6 has the kernel report each arrival once.",
		Break: breaks.Paused, Serve: plain(level.Serve),
	},
	{
		Number: 6, Name: "edge", Title: "each arrival is reported once",
		Belief: "An event is a packet, and a packet is a request.",
		Story: "The kernel reports a socket once when something has come. The server then reads until the kernel says \"not now\", " +
			"and takes the bytes for a request. Now eight clients send their requests byte by byte.",
		Question: "What do they get?",
		Guesses:  [3]string{"their page: TCP puts the bytes together", "400: the first byte is taken for the request", "nothing: the server waits for more"},
		Right:    1,
		Lesson: "TCP carries bytes, not messages. It may cut a request anywhere, and may join two. An event says that there are bytes, and no more. " +
			"Step 7 collects them until a request is whole.",
		Break: breaks.ByteByByte, Serve: edge.Serve,
		Wrong: []Wrong{{
			Name: "once",
			Story: "With --wrong once, the server accepts one client and reads once for each event, as the level-triggered step 5 does. " +
				"It is stopped for a moment, as on a busy machine, and eight clients connect meanwhile.",
			Break: breaks.Burst,
			Lesson: "Eight arrivals were one event. The server took one client, and waits for the next event. " +
				"The others wait for the server. An edge-triggered server has to take all there is, until the kernel says \"not now\".",
		}},
	},
}
