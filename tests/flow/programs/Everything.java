// What a Java virtual machine is made of: hot methods, maps, garbage, threads, exceptions that the
// compiled code finds by a fault, streams, records.  Prints a line for each; with an argument, only
// for the first two.
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

public class Everything {
	record Pair(String name, int value) {}

	static int fib(int n) {
		return n < 2 ? n : fib(n - 1) + fib(n - 2);
	}

	static void garbage() {
		List<byte[]> kept = new ArrayList<>();
		long total = 0;
		for (int i = 0; i < 10000; i++) {
			byte[] b = new byte[10000];
			total += b.length;
			if (i % 100 == 0)
				kept.add(b);
		}
		System.out.println("garbage " + total + " " + kept.size());
	}

	static void threads() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		AtomicLong sum = new AtomicLong();
		List<Future<Integer>> futures = new ArrayList<>();
		for (int i = 0; i < 200; i++) {
			int n = i;
			futures.add(pool.submit(() -> {
				for (int j = 0; j < 1000; j++)
					sum.incrementAndGet();
				return n * n;
			}));
		}
		int squares = 0;
		for (Future<Integer> f : futures)
			squares += f.get();
		pool.shutdown();
		Object lock = new Object();
		int[] shared = new int[1];
		Thread[] all = new Thread[6];
		for (int i = 0; i < all.length; i++) {
			all[i] = new Thread(() -> {
				for (int j = 0; j < 5000; j++)
					synchronized (lock) {
						shared[0]++;
					}
			});
			all[i].start();
		}
		for (Thread t : all)
			t.join();
		System.out.println("threads " + sum + " " + squares + " " + shared[0]);
	}

	static void nulls() {
		String[] texts = {"a", null};
		int n = 0;
		for (int i = 0; i < 100000; i++) {
			try {
				n += texts[i & 1].length();
			} catch (NullPointerException e) {
				n += 2;
			}
		}
		System.out.println("nulls " + n);
	}

	public static void main(String[] args) throws Exception {
		System.out.println("fib " + fib(28));
		Map<String, Integer> map = new HashMap<>();
		for (int i = 0; i < 100000; i++)
			map.merge("k" + (i % 1000), i, Integer::sum);
		System.out.println("map " + map.size() + " " + map.get("k7"));
		if (args.length > 0)
			return;
		garbage();
		threads();
		nulls();
		double roots = IntStream.range(0, 1000).parallel().mapToDouble(Math::sqrt).sum();
		System.out.println("stream " + Math.round(roots));
		System.out.println(Stream.of("b", "a", "c").sorted().collect(Collectors.joining(",")) + " " + new Pair("q", 3));
		Path file = Files.createTempFile("x", "y");
		Files.writeString(file, "text");
		System.out.println("file " + Files.readString(file));
		Process child = new ProcessBuilder("echo", "child").start();
		System.out.println(new String(child.getInputStream().readAllBytes()).trim() + " " + child.waitFor());
	}
}
