// SPDX-License-Identifier: MIT
/* What C++ adds: landing pads, thunks, guards, templates, lambdas. */
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

void act(int);
int value(const std::string &);

struct Held {
	explicit Held(int n) : n(n) { act(n); }
	~Held() { act(-n); }
	int n;
};

struct Left {
	virtual ~Left() = default;
	virtual int left(int n) = 0;
};

struct Right {
	virtual ~Right() { act(4); }
	virtual int right(int n) { return n; }
};

struct Both : Left, virtual Right {
	int left(int n) override { return n + held.n; }
	int right(int n) override;
	Held held{3};
};

int Both::right(int n)
{
	Held h(n);

	if (n > 10)
		throw std::out_of_range("right");
	return left(n) + value("right");
}

int caught(int n)
{
	try {
		Held a(n);
		try {
			Held b(n + 1);
			return value("inner");
		} catch (const std::runtime_error &e) {
			return value(e.what());
		}
	} catch (const std::logic_error &) {
		act(n);
		throw;
	} catch (...) {
		return -1;
	}
}

int named(std::vector<std::string> names)
{
	static const std::map<std::string, int> known = {
		{ "a", 1 }, { "b", 2 }, { "c", 3 },
	};
	int sum = 0;

	std::sort(names.begin(), names.end());
	for (const auto &name : names) {
		auto found = known.find(name);

		sum += found == known.end() ? value(name) : found->second;
	}
	return sum;
}

std::function<int(int)> made(int n)
{
	auto held = std::make_shared<Held>(n);

	return [held, n](int m) {
		if (m < 0)
			throw m;
		return held->n * n + m;
	};
}

int never(int n) noexcept
{
	Held h(n);

	return value(std::string(n, 'x'));
}

std::unique_ptr<Left> created(bool b)
{
	return b ? std::make_unique<Both>() : nullptr;
}

int chosen(int n)
{
	switch (n) {
	case 0: return value("zero");
	case 1: throw std::string("one");
	case 2: { Held h(2); return value("two"); }
	case 3: act(3); return 3;
	case 4: return named({ "a", "x" });
	case 5: act(5); break;
	case 6: return caught(6);
	}
	return n;
}

template <typename T> T folded(const std::vector<T> &v)
{
	T r{};

	for (const T &x : v) {
		Held h(1);
		r = r + x;
	}
	return r;
}

template int folded(const std::vector<int> &);
template std::string folded(const std::vector<std::string> &);
template double folded(const std::vector<double> &);
