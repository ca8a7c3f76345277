package pages

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/internal/reqid"
)

const htmlType = "text/html; charset=utf-8"

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
		write(w, r, a.status, a.guard, htmlType, p.render(a.page))
		return
	}
	// Structs of strings always encode, with "<" escaped against sniffing.
	content, _ := json.Marshal(a.json)
	write(w, r, a.status, a.guard, a.mediaType, append(content, '\n'))
}

func write(w http.ResponseWriter, r *http.Request, status int, g guard, mediaType string, content []byte) {
	h := w.Header()
	for _, ofAnotherBody := range [...]string{"Content-Encoding", "Content-Disposition", "Etag", "Last-Modified"} {
		delete(h, ofAnotherBody)
	}
	f := newFields(h)
	f.set("Content-Type", mediaType)
	f.set("Content-Length", strconv.Itoa(len(content)))
	f.set("Cache-Control", "no-store")
	h["Vary"] = append(h["Vary"], "Accept")
	g.set(&f)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// When this fails the client has gone, and there is nobody to tell.
		_, _ = w.Write(content)
	}
}

// fields sets header fields of one answer, whose values share an array.
type fields struct {
	header http.Header
	values []string
}

func newFields(h http.Header) fields { return fields{h, make([]string, 0, 8)} }

// set is http.Header.Set for a name in its canonical spelling.
func (f *fields) set(name, value string) {
	i := len(f.values)
	f.values = append(f.values, value)
	f.header[name] = f.values[i : i+1 : i+1]
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
