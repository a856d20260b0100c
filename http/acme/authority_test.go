package acme

// A small ACME server, which does what RFC 8555 says for one account, and on demand
// something else. It believes whoever signs, but looks whether the domain is theirs.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/bobbin-http/bobbin/http/acme/acmetest"
)

// An authority is an ACME server, for a test.
type authority struct {
	directory string
	roots     *x509.CertPool        // for the connection to it
	issued    func() *x509.CertPool // for the certificates it gives
	stop      func()
}

// A place is the ports at which an ACME server looks for every domain, 0 being one
// at which there is nobody.
type place struct{ plain, secure uint16 }

// newPebble starts the ACME server that Let's Encrypt has for tests.
func newPebble(t *testing.T, life time.Duration, at place) authority {
	a := acmetest.Pebble(t, life, at.plain, at.secure)
	return authority{a.Directory, a.Roots, func() *x509.CertPool { return a.Issuer(t) }, a.Stop}
}

// small is the ACME server of this process.
type small struct {
	t      *testing.T
	server *httptest.Server
	at     place
	life   time.Duration // of a certificate
	key    *ecdsa.PrivateKey
	root   *x509.Certificate

	mu     sync.Mutex
	refuse func(path string) *refusal // if not nil, it is asked first
	orders []*order
	print  string // of the account's key
	posts  []string
}

// A refusal is a problem document.
type refusal struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	Detail string `json:"detail"`
	after  string
}

type order struct {
	domain string
	status string
	proof  map[string]string // by kind of challenge: its status
	detail string            // why one has failed
	chain  []byte
}

func newSmall(t *testing.T, life time.Duration, at place) *small {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "small"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a := &small{t: t, at: at, life: life, key: key, root: root}
	a.server = httptest.NewUnstartedServer(a)
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0) // of those who hang up
	a.server.StartTLS()
	t.Cleanup(a.server.Close)
	return a
}

func (a *small) authority() authority {
	roots, issued := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(a.server.Certificate())
	issued.AddCert(a.root)
	return authority{a.server.URL + "/directory", roots, func() *x509.CertPool { return issued }, a.server.Close}
}

// asked returns how often something was posted.
func (a *small) asked(path string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(a.posts), func(p string) bool { return p != path }))
}

// refuseBy has requests refused, by their path.
func (a *small) refuseBy(f func(path string) *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refuse = f
}

// ServeHTTP implements http.Handler.
func (a *small) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	refuse := a.refuse
	a.mu.Unlock()
	if refuse != nil {
		if no := refuse(r.URL.Path); no != nil {
			if no.after != "" {
				w.Header().Set("Retry-After", no.after)
			}
			w.Header().Set("Replay-Nonce", "nonce")
			w.WriteHeader(no.Status)
			json.NewEncoder(w).Encode(no)
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Replay-Nonce", "nonce")
	var parts struct{ Protected, Payload string }
	if r.Method == http.MethodPost {
		a.posts = append(a.posts, r.URL.Path)
		if err := json.NewDecoder(r.Body).Decode(&parts); err != nil {
			a.t.Errorf("%s: %v", r.URL.Path, err)
		}
	}
	protected, _ := base64.RawURLEncoding.DecodeString(parts.Protected)
	payload, _ := base64.RawURLEncoding.DecodeString(parts.Payload)
	var n int
	var kind string
	words := strings.SplitN(strings.Trim(r.URL.Path, "/"), "/", 3)
	if len(words) > 1 {
		fmt.Sscan(words[1], &n)
	}
	if len(words) > 2 {
		kind = words[2]
	}
	switch words[0] {
	case "directory":
		a.give(w, 200, map[string]any{"newNonce": a.url("nonce"), "newAccount": a.url("account"), "newOrder": a.url("order"), "meta": map[string]any{}})
	case "nonce":
	case "account":
		var head struct{ JWK struct{ X, Y string } }
		json.Unmarshal(protected, &head)
		sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, head.JWK.X, head.JWK.Y))
		a.print = base64.RawURLEncoding.EncodeToString(sum[:])
		w.Header().Set("Location", a.url("me"))
		a.give(w, 201, map[string]any{"status": "valid"})
	case "order":
		status := 200
		if len(words) == 1 {
			status = 201
			var asked struct{ Identifiers []struct{ Value string } }
			json.Unmarshal(payload, &asked)
			n = len(a.orders)
			a.orders = append(a.orders, &order{domain: asked.Identifiers[0].Value, status: "pending",
				proof: map[string]string{"tls-alpn-01": "pending", "http-01": "pending"}})
		}
		a.giveOrder(w, status, n)
	case "authorization":
		a.giveAuthorization(w, n)
	case "challenge":
		o := a.orders[n]
		a.mu.Unlock() // who is looked at may take its time
		err := a.look(o.domain, kind, a.token(n, kind))
		a.mu.Lock()
		if o.proof[kind], o.status = "valid", "ready"; err != nil {
			o.proof[kind], o.status, o.detail = "invalid", "invalid", err.Error()
		}
		a.give(w, 200, map[string]any{"type": kind, "status": "processing", "url": a.server.URL + r.URL.Path, "token": a.token(n, kind)})
	case "finalize":
		var asked struct{ CSR string }
		json.Unmarshal(payload, &asked)
		der, _ := base64.RawURLEncoding.DecodeString(asked.CSR)
		a.sign(a.orders[n], der)
		a.giveOrder(w, 200, n)
	case "certificate":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(a.orders[n].chain)
	default:
		a.t.Errorf("nobody should ask for %s", r.URL.Path)
		w.WriteHeader(404)
	}
}

func (a *small) url(format string, of ...any) string {
	return a.server.URL + "/" + fmt.Sprintf(format, of...)
}

func (a *small) token(n int, kind string) string { return fmt.Sprintf("token_%d-%s", n, kind) }

func (a *small) give(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (a *small) giveOrder(w http.ResponseWriter, status, n int) {
	o := a.orders[n]
	w.Header().Set("Location", a.url("order/%d", n))
	v := map[string]any{"status": o.status, "identifiers": []any{map[string]string{"type": "dns", "value": o.domain}},
		"authorizations": []string{a.url("authorization/%d", n)}, "finalize": a.url("finalize/%d", n)}
	if o.chain != nil {
		v["certificate"] = a.url("certificate/%d", n)
	}
	a.give(w, status, v)
}

func (a *small) giveAuthorization(w http.ResponseWriter, n int) {
	o := a.orders[n]
	status := map[string]string{"pending": "pending", "invalid": "invalid"}[o.status]
	if status == "" {
		status = "valid"
	}
	var challenges []any
	for kind, status := range o.proof {
		c := map[string]any{"type": kind, "status": status, "url": a.url("challenge/%d/%s", n, kind), "token": a.token(n, kind)}
		if status == "invalid" {
			c["error"] = map[string]string{"type": "urn:ietf:params:acme:error:connection", "detail": o.detail}
		}
		challenges = append(challenges, c)
	}
	a.give(w, 200, map[string]any{"status": status, "identifier": map[string]string{"type": "dns", "value": o.domain}, "challenges": challenges})
}

// look finds out whether a domain is theirs who ask.
func (a *small) look(domain, kind, token string) error {
	want := token + "." + a.print
	if kind == "http-01" {
		if a.at.plain == 0 {
			return fmt.Errorf("nobody is at port 80 of %s", domain)
		}
		q, _ := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d%s%s", a.at.plain, wellKnown, token), nil)
		q.Host = domain
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if p, err := io.ReadAll(answer.Body); err != nil || string(p) != want {
			return fmt.Errorf("port 80 of %s says %q, %v", domain, p, err)
		}
		return nil
	}
	if a.at.secure == 0 {
		return fmt.Errorf("nobody is at port 443 of %s", domain)
	}
	c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", a.at.secure), &tls.Config{ServerName: domain, NextProtos: []string{acme.ALPNProto}, InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	defer c.Close()
	sum := sha256.Sum256([]byte(want))
	value, _ := asn1.Marshal(sum[:])
	state := c.ConnectionState()
	leaf := state.PeerCertificates[0]
	if state.NegotiatedProtocol != acme.ALPNProto || !slices.Equal(leaf.DNSNames, []string{domain}) ||
		!slices.ContainsFunc(leaf.Extensions, func(e pkix.Extension) bool {
			return e.Id.Equal(acmeIdentifier) && string(e.Value) == string(value)
		}) {
		return fmt.Errorf("port 443 of %s proves nothing", domain)
	}
	return nil
}

func (a *small) sign(o *order, der []byte) {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil || !slices.Equal(request.DNSNames, []string{o.domain}) {
		a.t.Errorf("%s: %v, %v", o.domain, request, err)
		return
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	begin := time.Now().Truncate(time.Second)
	leaf := &x509.Certificate{SerialNumber: serial, DNSNames: request.DNSNames, NotBefore: begin, NotAfter: begin.Add(a.life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	signed, err := x509.CreateCertificate(rand.Reader, leaf, a.root, request.PublicKey.(crypto.PublicKey), a.key)
	if err != nil {
		a.t.Error(err)
	}
	for _, p := range [][]byte{signed, a.root.Raw} {
		o.chain = append(o.chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p})...)
	}
	o.status = "valid"
}
