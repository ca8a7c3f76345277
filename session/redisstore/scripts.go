package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/sallyport/sallyport/session"
)

// What the scripts answer.
const (
	done     = 0
	notFound = 1
	conflict = 2
	corrupt  = 3
)

// common reads the header of the record. Times are compared by our clock, which
// wrote them, so that a Redis whose clock is off keeps nobody in or out.
const common = `
local head = redis.call('GETRANGE', KEYS[1], 0, 16)
local function live()
  return struct.unpack('>l', string.sub(head, 10)) > tonumber(ARGV[1])
end
`

// ARGV: now, TTL in milliseconds, value.
const createScript = common + `
if #head > 0 then
  if #head < 17 or string.byte(head) ~= 1 then return 3 end
  if live() then return 2 end
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 0
`

// ARGV: now, TTL in milliseconds, the version that must be there, 1 if the last
// is a whole value and not just a header, value.
const replaceScript = common + `
if #head == 0 then return 1 end
if #head < 17 or string.byte(head) ~= 1 then return 3 end
if not live() then return 1 end
if string.sub(head, 2, 9) ~= ARGV[3] then return 2 end
if ARGV[4] == '1' then
  redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[2])
else
  redis.call('SETRANGE', KEYS[1], 0, ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
`

// ARGV: token, TTL in milliseconds.
const renewScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 1 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
`

// ARGV: token.
const unlockScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
`

// The marks of a tag that nobody looks up would pile up while it is in use, so each
// new one has some others looked at, beginning somewhere.
// ARGV: now, TTL in milliseconds, handle, mark, any number.
const markScript = `
local made = redis.call('HSETNX', KEYS[1], ARGV[3], ARGV[4])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
local some = redis.call('HSCAN', KEYS[1], ARGV[5], 'COUNT', 8)[2]
for i = 2, #some, 2 do
  if #some[i] >= 8 and struct.unpack('>l', some[i]) <= tonumber(ARGV[1]) then redis.call('HDEL', KEYS[1], some[i-1]) end
end
if made == 0 then return 2 end
return 0
`

// ARGV: now, TTL in milliseconds, until.
const claimScript = `
local before = redis.call('GET', KEYS[1])
if before and tonumber(before) > tonumber(ARGV[1]) then return 2 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
return 0
`

type scripts struct {
	create, replace, renew, unlock, mark, claim *rueidis.Lua
}

func newScripts() scripts {
	return scripts{
		create:  rueidis.NewLuaScript(createScript),
		replace: rueidis.NewLuaScript(replaceScript),
		renew:   rueidis.NewLuaScript(renewScript),
		unlock:  rueidis.NewLuaScript(unlockScript),
		mark:    rueidis.NewLuaScript(markScript),
		claim:   rueidis.NewLuaScript(claimScript),
	}
}

// exec runs a script and turns what it returned into an answer of a Store.
func (s *Store) exec(ctx context.Context, script *rueidis.Lua, key string, args ...string) error {
	code, err := ask(ctx, s.link, key, func(ctx context.Context, c rueidis.Client) (int64, error) {
		return script.Exec(ctx, c, []string{key}, args).AsInt64()
	})
	if err != nil {
		return err
	}
	switch code {
	case done:
		return nil
	case notFound:
		return session.ErrNotFound
	case conflict:
		return session.ErrConflict
	case corrupt:
		return ErrCorrupt
	}
	return fmt.Errorf("redis answered a script with %d", code)
}

// maxTTL is some hundred years: beyond what any limit of a session can be, and
// within what Redis can add to its clock.
const maxTTL = 100 * 366 * 24 * time.Hour

// ttl is how long Redis keeps a record, in milliseconds: from now, so that the
// clock of Redis does not matter, and at least 1, so that it is never kept
// forever.
func ttl(expiresAt, now time.Time) string {
	ms := expiresAt.UnixMilli() - now.UnixMilli()
	return strconv.FormatInt(min(max(ms, 1), maxTTL.Milliseconds()), 10)
}

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
