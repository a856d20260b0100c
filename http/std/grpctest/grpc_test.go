// Package grpctest has gRPC's own server, as a handler of net/http, behind bobbin. It is a
// module of its own, because bobbin itself needs nothing of gRPC.
package grpctest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/std"
)

// ways are the ways to a server: gRPC needs HTTP/2.
var ways = []string{"over TLS", "in plain text"}

// patience is the time that a call may take.
const patience = 20 * time.Second

// TestMain has a failed case of gRPC's interoperability tests, which would end the program,
// panic.
func TestMain(m *testing.M) {
	grpclog.SetLoggerV2(failing{grpclog.NewLoggerV2(io.Discard, io.Discard, os.Stderr)})
	os.Exit(m.Run())
}

// failing is a logger whose fatal errors are panics.
type failing struct{ grpclog.LoggerV2 }

func (failing) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (failing) Fatalln(args ...any)               { panic(fmt.Sprintln(args...)) }
func (failing) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// TestInteroperability runs the cases of gRPC's interoperability tests that need no account
// of a cloud's.
func TestInteroperability(t *testing.T) {
	cases := map[string]func(ctx context.Context, c pb.TestServiceClient, conn *grpc.ClientConn){
		"an empty call is answered": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoEmptyUnaryCall(ctx, c)
		},
		"a large call is answered": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoLargeUnaryCall(ctx, c)
		},
		"a client streams": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoClientStreaming(ctx, c)
		},
		"a server streams": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoServerStreaming(ctx, c)
		},
		"both take turns":       func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) { interop.DoPingPong(ctx, c) },
		"a stream may be empty": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) { interop.DoEmptyStream(ctx, c) },
		"a deadline ends a call": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoTimeoutOnSleepingServer(ctx, c)
		},
		"a call is cancelled at its beginning": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoCancelAfterBegin(ctx, c)
		},
		"a call is cancelled behind its first answer": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoCancelAfterFirstResponse(ctx, c)
		},
		"metadata comes back in the head and behind it": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoCustomMetadata(ctx, c)
		},
		"a status has its message": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoStatusCodeAndMessage(ctx, c)
		},
		"a message may have any characters": func(ctx context.Context, c pb.TestServiceClient, _ *grpc.ClientConn) {
			interop.DoSpecialStatusMessage(ctx, c)
		},
		"a method may be missing": func(ctx context.Context, _ pb.TestServiceClient, conn *grpc.ClientConn) {
			interop.DoUnimplementedMethod(ctx, conn)
		},
		"a service may be missing": func(ctx context.Context, _ pb.TestServiceClient, conn *grpc.ClientConn) {
			interop.DoUnimplementedService(ctx, pb.NewUnimplementedServiceClient(conn))
		},
	}
	for _, way := range ways {
		conn := serve(t, way, interop.NewTestServer())
		for name, run := range cases {
			t.Run(name+" "+way, func(t *testing.T) {
				defer func() {
					if r := recover(); r != nil {
						t.Error(r)
					}
				}()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				run(ctx, pb.NewTestServiceClient(conn), conn)
			})
		}
	}
}

// serve runs a service behind bobbin until the test ends, and returns a connection to it.
func serve(t *testing.T, way string, service pb.TestServiceServer) *grpc.ClientConn {
	t.Helper()
	g := grpc.NewServer()
	pb.RegisterTestServiceServer(g, service)
	certificates := httptest.NewUnstartedServer(nil)
	certificates.StartTLS()
	certificates.Close() // its certificate is all that is needed of it
	s, err := http.NewServer(http.Config{
		Handler: std.Handler(g),
		TLS:     &tls.Config{Certificates: certificates.TLS.Certificates},
		Loop:    eventloop.Config{CheckOwner: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	listen, keys := s.Listen, insecure.NewCredentials()
	if way == ways[0] {
		roots := x509.NewCertPool()
		roots.AddCert(certificates.Certificate())
		listen, keys = s.ListenTLS, credentials.NewClientTLSFromCert(roots, "example.com")
	}
	listeners, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- s.Run() }()
	conn, err := grpc.NewClient(listeners[0].Addr().String(), grpc.WithTransportCredentials(keys))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		s.Stop()
		if err := <-over; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	return conn
}

// A service tells how its calls end.
type service struct {
	pb.UnimplementedTestServiceServer
	began  chan time.Duration // to the deadline, 0 without one
	ended  chan error         // of the call's context
	refuse error
}

func newService() *service {
	return &service{began: make(chan time.Duration, 1), ended: make(chan error, 1)}
}

// UnaryCall waits for the end of its call.
func (s *service) UnaryCall(ctx context.Context, _ *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	if s.refuse != nil {
		return nil, s.refuse
	}
	left := time.Duration(0)
	if at, ok := ctx.Deadline(); ok {
		left = time.Until(at)
	}
	s.began <- left
	select {
	case <-ctx.Done():
	case <-time.After(patience):
	}
	s.ended <- ctx.Err()
	return nil, ctx.Err()
}

// FullDuplexCall sends a thousand messages before it reads one, and then answers each.
func (s *service) FullDuplexCall(stream grpc.BidiStreamingServer[pb.StreamingOutputCallRequest, pb.StreamingOutputCallResponse]) error {
	const ahead = 1000
	writing := make(chan error, 1)
	go func() {
		for range ahead {
			if err := stream.Send(message("")); err != nil {
				writing <- err
				return
			}
		}
		writing <- nil
	}()
	heard := 0
	for {
		_, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		heard++
	}
	if err := <-writing; err != nil {
		return err
	}
	return stream.Send(message(fmt.Sprint(heard)))
}

func message(text string) *pb.StreamingOutputCallResponse {
	return &pb.StreamingOutputCallResponse{Payload: &pb.Payload{Body: []byte(text)}}
}

func TestACancelledCallEndsItsContext(t *testing.T) {
	for _, way := range ways {
		s := newService()
		c := pb.NewTestServiceClient(serve(t, way, s))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if left := <-s.began; left != 0 {
				t.Errorf("%s: the deadline of a call without one is in %v", way, left)
			}
			cancel()
		}()
		_, err := c.UnaryCall(ctx, &pb.SimpleRequest{})
		if status.Code(err) != codes.Canceled {
			t.Errorf("%s: the client has %v", way, err)
		}
		if err := <-s.ended; err != context.Canceled {
			t.Errorf("%s: the context of the call has ended with %v", way, err)
		}
	}
}

func TestADeadlineIsTheServersToo(t *testing.T) {
	for _, way := range ways {
		s := newService()
		c := pb.NewTestServiceClient(serve(t, way, s))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := c.UnaryCall(ctx, &pb.SimpleRequest{})
		cancel()
		if status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: the client has %v", way, err)
		}
		if left := <-s.began; left <= 0 || left > time.Second {
			t.Errorf("%s: the server's deadline was in %v", way, left)
		}
		if err := <-s.ended; err == nil {
			t.Errorf("%s: the context of the call has not ended", way)
		}
	}
}

func TestARefusalHasItsDetails(t *testing.T) {
	for _, way := range ways {
		s := newService()
		s.refuse = status.Error(codes.FailedPrecondition, strings.Repeat("not today, ", 100))
		c := pb.NewTestServiceClient(serve(t, way, s))
		_, err := c.UnaryCall(t.Context(), &pb.SimpleRequest{})
		if got := status.Convert(err); got.Code() != codes.FailedPrecondition || got.Message() != status.Convert(s.refuse).Message() {
			t.Errorf("%s: the client has %v", way, err)
		}
	}
}

// TestBothSidesSendAtTheSameTime has more under way in both directions than fits into a
// window.
func TestBothSidesSendAtTheSameTime(t *testing.T) {
	for _, way := range ways {
		c := pb.NewTestServiceClient(serve(t, way, newService()))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		stream, err := c.FullDuplexCall(ctx)
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		const messages = 200
		go func() {
			large := &pb.StreamingOutputCallRequest{Payload: &pb.Payload{Body: make([]byte, 10_000)}}
			for range messages {
				if err := stream.Send(large); err != nil {
					t.Errorf("%s: %v", way, err)
					return
				}
			}
			if err := stream.CloseSend(); err != nil {
				t.Errorf("%s: %v", way, err)
			}
		}()
		last, heard := "", 0
		for {
			m, err := stream.Recv()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: behind %d messages: %v", way, heard, err)
			}
			last = string(m.Payload.GetBody())
			heard++
		}
		cancel()
		if last != fmt.Sprint(messages) || heard != 1001 {
			t.Errorf("%s: %d messages came, the last one is %q", way, heard, last)
		}
	}
}
