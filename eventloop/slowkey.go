package eventloop

// Where a handshake is signed. A key of RSA holds the loop for a millisecond, and one
// that is kept elsewhere for longer. Which key it is, is known when the handshake has
// chosen its certificate, and not before: another may have been read meanwhile. So
// every handshake begins on the loop, and one with a slow key goes on with a worker.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"runtime"
	"sync"
	"weak"
)

// choosers are the configurations that have handshakes look at their keys, by those
// that were given. There is one for each, because crypto/tls keeps the keys of tickets
// in it: a client that comes back may come to another loop.
var choosers struct {
	mu sync.Mutex
	of map[weak.Pointer[tls.Config]]*tls.Config
}

// choosing returns the configuration that a handshake begins with in place of one that
// was given, to which it changes as soon as it has read the hello.
func choosing(config *tls.Config) *tls.Config {
	key := weak.Make(config)
	choosers.mu.Lock()
	defer choosers.mu.Unlock()
	if c := choosers.of[key]; c != nil {
		return c
	}
	if choosers.of == nil {
		choosers.of = make(map[weak.Pointer[tls.Config]]*tls.Config)
	}
	c := config.Clone()
	c.GetConfigForClient = choose
	// Functions might keep the other one alive, and none of these is called before choose, but
	// for Time, by which the keys of tickets grow old: the machine's will do for that.
	c.Time, c.GetCertificate, c.GetClientCertificate = nil, nil, nil
	c.VerifyPeerCertificate, c.VerifyConnection = nil, nil
	c.WrapSession, c.UnwrapSession = nil, nil
	c.KeyLogWriter, c.ClientSessionCache = nil, nil
	if config.GetEncryptedClientHelloKeys != nil { // which is called before choose
		c.GetEncryptedClientHelloKeys = helloKeys
	}
	choosers.of[key] = c
	runtime.AddCleanup(config, func(key weak.Pointer[tls.Config]) {
		choosers.mu.Lock()
		defer choosers.mu.Unlock()
		delete(choosers.of, key)
	}, key)
	return c
}

// helloKeys is the GetEncryptedClientHelloKeys of all of them that have one.
func helloKeys(hello *tls.ClientHelloInfo) ([]tls.EncryptedClientHelloKey, error) {
	return hello.Conn.(*tlsPipe).handshake.how.Config.GetEncryptedClientHelloKeys(hello)
}

// choose is the GetConfigForClient of all of them. It returns what was given, and has
// a worker go on with the handshake if its key is slow.
func choose(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	h := hello.Conn.(*tlsPipe).handshake
	config := h.how.Config
	if config.GetConfigForClient != nil {
		switch other, err := config.GetConfigForClient(hello); {
		case err != nil:
			return nil, err
		case other != nil:
			config = other
		}
	}
	if h.slow = hasSlowKey(config, hello); h.slow && !h.moveOffLoop() {
		return nil, errGivenUp
	}
	return config, nil
}

// hasSlowKey reports whether a configuration has a slow key for a client.
func hasSlowKey(config *tls.Config, hello *tls.ClientHelloInfo) bool {
	if config.GetCertificate != nil {
		// What is wrong with it, crypto/tls will find out.
		if cert, err := config.GetCertificate(hello); err == nil && cert != nil {
			return isSlow(cert.PrivateKey)
		}
	}
	for i := range config.Certificates {
		if isSlow(config.Certificates[i].PrivateKey) {
			return true
		}
	}
	return false
}

func isSlow(key crypto.PrivateKey) bool {
	switch key.(type) {
	case *ecdsa.PrivateKey, ed25519.PrivateKey:
		return false
	}
	return true
}

// moveOffLoop pauses the handshake, on the loop, and returns on a worker. It reports
// whether it goes on at all.
func (h *handshake) moveOffLoop() bool {
	h.offLoop, h.moves = true, true
	return h.pause()
}

// signers is how many workers may sign with slow keys at a time: fewer than there are
// cores, as each keeps one busy that the loop needs. On two cores and in a flood, with
// the eight that are usual, others wait for their answers six times as long. A kernel
// that was given has no cores of its own.
func (c *Config) signers(cores int) int {
	most := c.Limits.WithDefaults().Handshakes
	if c.Kernel != nil {
		return most
	}
	return min(most, max(1, cores/max(c.Loops, 1)-1))
}
