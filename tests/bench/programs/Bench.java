// What hot Java does: calls, objects, maps, strings, arrays, garbage.  Run from its source, so that
// the compiler is part of the work.
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public class Bench {
	interface Shape {
		double area();
	}

	record Square(double side) implements Shape {
		public double area() {
			return side * side;
		}
	}

	record Circle(double radius) implements Shape {
		public double area() {
			return Math.PI * radius * radius;
		}
	}

	static int fib(int n) {
		return n < 2 ? n : fib(n - 1) + fib(n - 2);
	}

	public static void main(String[] args) {
		double area = 0;
		for (int round = 0; round < 100; round++) {
			List<Shape> shapes = new ArrayList<>();
			for (int i = 0; i < 10000; i++)
				shapes.add(i % 2 == 0 ? new Square(i) : new Circle(i));
			for (Shape s : shapes)
				area += s.area();
		}
		Map<String, Integer> map = new HashMap<>();
		for (int i = 0; i < 300000; i++)
			map.merge("k" + i % 5000, i, (a, b) -> (a + b) % 1000003);
		int[] numbers = new int[500000];
		for (int i = 0; i < numbers.length; i++)
			numbers[i] = (int) (i * 2654435761L);
		Arrays.sort(numbers);
		StringBuilder text = new StringBuilder();
		for (int i = 0; i < 100000; i++)
			text.append(i % 97).append(i % 7 == 0 ? ',' : ' ');
		System.out.println(fib(32) + " " + Math.round(area) + " " + map.get("k77") + " " + numbers[1234] + " " +
				text.toString().split(",").length);
	}
}
