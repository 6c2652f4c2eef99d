package search

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// version of the schema. A file of another one is thrown away.
const version = 1

// schema of an index. The words of each part are in a full-text table of its own, words_ID.
const schema = `
CREATE TABLE shards (name TEXT PRIMARY KEY, epoch TEXT NOT NULL, position INTEGER NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE parts (id INTEGER PRIMARY KEY, shard TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
	begun INTEGER NOT NULL, documents INTEGER NOT NULL);
CREATE TABLE gone (shard TEXT NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (shard, offset)) WITHOUT ROWID;
PRAGMA user_version = 1;`

// Bounds of an index. A part is what is given up at once when it is too old, or too much for the index's size.
const (
	partSpan            = 7 * 24 * time.Hour
	leastPart, mostPart = 1000, 100_000
	bytesOfPart         = 8 << 10 // bytes of the index's bound for each document of a part: some thirty parts fit
	// leastMessage is less than what a message takes, in bytes: of a shard that is begun, as many are read as could have room.
	leastMessage = 100
	readers      = 2
	writerCache  = 2 << 10 // KiB of pages in memory, for the connection that writes
	readerCache  = 1 << 10 // and for each that reads
	readerIdle   = time.Minute
	// staleAfter is how old an index may be to go on with it. Deletions are events too, and leave the log some time after what they delete:
	// who hasn't read them would keep the words.
	staleAfter           = 30 * time.Minute
	busyWait             = 2 * time.Second
	fileName, lockedName = "words.db", "lock"
)

// sqlite is an engine in SQLite's full-text tables: in a file, or without a folder in memory.
type sqlite struct {
	write, read *sql.DB
	lock        *os.File
	bound       int64
	partSize    int64

	mu  sync.Mutex // of what follows, which is changed by the writer alone
	all map[string]*shardParts
	now size
}

// shardParts is what the engine has of a shard.
type shardParts struct {
	name, epoch string
	position    uint64
	// seen is when the position was last known to be the log's, ms.
	seen int64
	// oldest: what is before isn't found any more.
	oldest uint64
	parts  []part // in the order of their offsets
}

// part has the messages from one offset to another.
type part struct {
	id          int64
	first, last uint64
	begun       int64 // when its first message was stored, ms
	documents   int64
}

func (p part) table() string { return fmt.Sprintf("words_%d", p.id) }

// openSQLite opens the index in a folder, or makes it; with an empty folder one in memory. It keeps at most about bound bytes.
func openSQLite(ctx context.Context, dir string, bound int64) (e *sqlite, err error) {
	e = &sqlite{bound: bound, partSize: min(max(bound/bytesOfPart, leastPart), mostPart), all: map[string]*shardParts{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if dir == "" {
		e.write, err = connect(":memory:", 1, writerCache)
		e.read = e.write
		if err != nil {
			return e, err
		}
		return e, e.prepare(ctx)
	}
	if e.lock, err = lockFolder(dir); err != nil {
		return e, err
	}
	if e.write, err = connect("file:"+(&url.URL{Path: filepath.Join(dir, fileName)}).EscapedPath(), 1, writerCache); err != nil {
		return e, err
	}
	if err := e.prepare(ctx); err != nil {
		return e, err
	}
	e.read, err = connect("file:"+(&url.URL{Path: filepath.Join(dir, fileName)}).EscapedPath(), readers, readerCache)
	if err == nil {
		e.read.SetConnMaxIdleTime(readerIdle)
	}
	return e, err
}

// connect opens a database. What is deleted is overwritten; a power cut may cost the newest changes, which the position goes back with.
func connect(where string, connections, cache int) (*sql.DB, error) {
	pragmas := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyWait.Milliseconds()), "journal_mode(WAL)", "synchronous(NORMAL)", "secure_delete(ON)",
		fmt.Sprintf("cache_size(-%d)", cache), "temp_store(MEMORY)",
	}}
	db, err := sql.Open("sqlite", where+"?"+pragmas.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// errLocked says that another process has the folder.
var errLocked = errors.New("it is in use by another chat node")

// lockFolder makes sure that only one process uses the folder. The lock goes with the process, however that ends.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the index: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockedName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the index: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errLocked, f.Close())
	}
	return f, nil
}

// removeSQLite throws the index of a folder away.
func removeSQLite(dir string) error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(dir, fileName) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove the index: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (e *sqlite) close() error {
	var errs []error
	if e.read != nil && e.read != e.write {
		errs = append(errs, e.read.Close())
	}
	if e.write != nil {
		errs = append(errs, e.write.Close()) // the last connection empties the write-ahead log
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the index: %w", err)
	}
	return nil
}
