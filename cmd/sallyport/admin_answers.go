package main

import "time"

// sessionList is the answer to GET /sessions of the admin listener.
type sessionList struct {
	Sessions []listedSession `json:"sessions"`
}

// listedSession is one session as an administrator sees it.
type listedSession struct {
	ID        string    `json:"id"`
	IdP       string    `json:"idp"`
	Subject   string    `json:"sub"`
	User      string    `json:"user,omitempty"`
	Email     string    `json:"email,omitempty"`
	Name      string    `json:"name,omitempty"`
	Device    string    `json:"device"` // words of ours
	UserAgent string    `json:"user_agent,omitempty"`
	Address   string    `json:"address,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	LastSeen  time.Time `json:"last_seen"`
	ExpiresAt time.Time `json:"expires_at"`
}

// endedSessions is the answer to a DELETE.
type endedSessions struct {
	Ended int `json:"ended"`
}

// adminProblem is what the admin listener says instead (RFC 9457).
type adminProblem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}
