# Python with threads, subprocess, multiprocessing (fork and spawn), sqlite3, asyncio, ssl.
# needs: image
. "$FLOW/lib.sh"
cat >script.py <<'END'
import asyncio, hashlib, multiprocessing, sqlite3, ssl, subprocess, threading

def square(n):
    return n * n

async def nap():
    await asyncio.sleep(0.01)
    return 5

if __name__ == "__main__":
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(square(i))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sorted(results))
    print(subprocess.run(["echo", "sub"], capture_output=True).stdout)
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(square, range(5)))
    db = sqlite3.connect(":memory:")
    db.execute("create table t(a)")
    db.executemany("insert into t values(?)", [(i,) for i in range(100)])
    print(db.execute("select sum(a) from t").fetchone()[0])
    print(asyncio.run(nap()))
    print(ssl.OPENSSL_VERSION.split()[0], hashlib.sha256(b"abc").hexdigest()[:8])
END
expect_output "[0, 1, 4, 9, 16, 25, 36, 49]
b'sub\\n'
fork [0, 1, 4, 9, 16]
spawn [0, 1, 4, 9, 16]
4950
5
OpenSSL ba7816bf" carrick run --rm -v "$PWD:/work:ro" debian:12 python3 /work/script.py
