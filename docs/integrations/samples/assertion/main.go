// An app that believes nobody but Sallyport's signature: it greets the person whom
// X-Sallyport-Assertion names, and answers 401 to everybody else.
//
//	ISSUER    SALLYPORT_PUBLIC_URL
//	AUDIENCE  SALLYPORT_ASSERTION_AUDIENCE, which is the public URL if it is unset
//	JWKS_URL  the public URL and /oauth2/jwks
//	LISTEN    where to listen; 127.0.0.1:8080 if it is unset
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
)

// claims are those that this app uses; docs/integrations/assertion.md has the others.
type claims struct {
	Subject string   `json:"sub"`
	Email   string   `json:"email"`
	Groups  []string `json:"groups"`
}

func main() {
	// The key set is fetched when it is first needed, and again for a key that it
	// does not have. The verifier compares issuer and audience and looks at the end.
	keys := oidc.NewRemoteKeySet(context.Background(), os.Getenv("JWKS_URL"))
	verifier := oidc.NewVerifier(os.Getenv("ISSUER"), keys, &oidc.Config{
		ClientID:             os.Getenv("AUDIENCE"),
		SupportedSigningAlgs: []string{oidc.ES256},
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		var who claims
		token, err := verifier.Verify(r.Context(), r.Header.Get("X-Sallyport-Assertion"))
		if err == nil {
			err = token.Claims(&who)
		}
		if err != nil {
			log.Printf("refused: %v", err)
			http.Error(w, "not through Sallyport", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "Hello %s <%s> of %v\n", who.Subject, who.Email, who.Groups)
	})
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8080"))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
