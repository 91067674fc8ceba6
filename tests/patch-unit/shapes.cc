// SPDX-License-Identifier: MIT
// Virtual functions, exceptions, inline functions, guards.
#include <stdexcept>
#include <string>
#include <vector>

namespace
{
struct shape {
	virtual ~shape() = default;
	virtual double area() const = 0;
};

struct square : shape {
	double side;
	explicit square(double s) : side(s) {}
	double area() const override { return side * side; }
};

const std::string &label()
{
	static const std::string text = "label of a shape that is long";
	return text;
}
}

inline int counted()
{
	static int count;
	return ++count;
}

double total(int n)
{
	std::vector<shape *> all;
	double sum = 0;

	if (n > 50)
		throw std::runtime_error(label());
	for (int i = 0; i < n; i++)
		all.push_back(new square(i));
	for (shape *s : all) {
		sum += s->area() + counted();
		delete s;
	}
	return sum;
}

int main(int argc, char **)
{
	try {
		return total(argc) > 100;
	} catch (const std::exception &e) {
		return e.what()[0];
	}
}
