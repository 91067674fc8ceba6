/* SPDX-License-Identifier: MIT */
int walk(void);

int main(void)
{
	return walk();
}
