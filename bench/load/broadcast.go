package load

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin/bench/rivals"
)

// broadcast opens connections that get all messages of a topic. When it is told to start,
// one of them sends a message, and another one as soon as all have it, until the time is over. A message that has arrived at one
// connection is a request, and a latency is the time until a message is everywhere.
func broadcast(ctx context.Context, to netip.AddrPort, n, size int, lasts time.Duration, in io.Reader, out io.Writer) (Outcome, error) {
	t, err := openTalkers(ctx, to, rivals.TopicPath, n, size, 1)
	if err != nil {
		return Outcome{}, err
	}
	defer t.close()
	if !t.start(in, out) {
		return t.outcome, nil
	}
	last := lasts + grace
	for now := time.Duration(0); now < lasts; {
		began := now
		if err := t.send(0, 1); err != nil {
			return t.outcome, err
		}
		for missing := n; missing > 0; {
			if ctx.Err() != nil {
				return t.outcome, ctx.Err()
			}
			if now = time.Since(t.began); now > last {
				t.outcome.fail("messages did not arrive in time", int64(missing))
				break
			}
			got, err := t.receiveAll()
			if err != nil {
				return t.outcome, err
			}
			missing -= got
		}
		now = time.Since(t.began)
		t.latencies.add(now - began)
	}
	t.outcome.Seconds = time.Since(t.began).Seconds()
	t.latencies.tell(&t.outcome)
	return t.outcome, nil
}

// receiveAll reads from the connections that are ready, and returns how many messages have
// ended.
func (t *talkers) receiveAll() (messages int, err error) {
	ready, err := t.poller.wait(100)
	if err != nil {
		return 0, err
	}
	for _, e := range ready {
		n, err := t.receive(int(e.Fd))
		if err != nil {
			return messages, err
		}
		messages += n
	}
	t.outcome.Requests += int64(messages)
	return messages, nil
}
