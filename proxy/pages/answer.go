package pages

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/internal/reqid"
)

// reply is one answer in both its forms.
type reply struct {
	status    int
	guard     guard
	page      view   // for people
	json      any    // for everybody else
	mediaType string // of json
}

func (p *Renderer) answer(w http.ResponseWriter, r *http.Request, a reply) {
	if TakesPage(r.Header) {
		write(w, r, a, "text/html; charset=utf-8", p.render(a.page))
		return
	}
	// Structs of strings always encode, with "<" escaped against sniffing.
	content, _ := json.Marshal(a.json)
	write(w, r, a, a.mediaType, append(content, '\n'))
}

func write(w http.ResponseWriter, r *http.Request, a reply, mediaType string, content []byte) {
	h := w.Header()
	for _, ofAnotherBody := range []string{"Content-Encoding", "Content-Disposition", "Etag", "Last-Modified"} {
		h.Del(ofAnotherBody)
	}
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept")
	a.guard.set(h)
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		// When this fails the client has gone, and there is nobody to tell.
		_, _ = w.Write(content)
	}
}

// requestID prefers what the answer already says over what the context carries.
func requestID(w http.ResponseWriter, r *http.Request) string {
	if id := w.Header().Get(reqid.Header); id != "" {
		return id
	}
	return reqid.From(r.Context())
}

// wholeSeconds rounds up: a retry may come later than asked for, not earlier.
func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
