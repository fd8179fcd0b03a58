/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a step failed, in one line for the operator. Carried up beside -errno: the step that fails
 * knows the words, the top of the path prints them once.
 */
#ifndef AGENT_EXPLANATION_H
#define AGENT_EXPLANATION_H

#include <stdarg.h>
#include <stdio.h>

struct explanation {
	const char *parameter; /* whose value is to blame, static; NULL where none is */
	char text[512];
};

/* Stores the sentence and returns error, so that a failing step is `return explain(...)`. */
__attribute__((format(printf, 3, 4))) static inline int explain(struct explanation *explanation,
								int error, const char *format, ...)
{
	va_list arguments;

	explanation->parameter = NULL;
	va_start(arguments, format);
	(void)vsnprintf(explanation->text, sizeof(explanation->text), format, arguments);
	va_end(arguments);
	return error;
}

/* Adds the parameter whose value is to blame; without an error there is nothing to blame. */
static inline int explain_parameter(struct explanation *explanation, int error,
				    const char *parameter)
{
	if (error)
		explanation->parameter = parameter;
	return error;
}

#endif
