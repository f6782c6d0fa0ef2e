package androidx.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** The annotation that makes a parameter's type non-null in Kotlin. */
@Documented
@Retention(RetentionPolicy.CLASS)
public @interface NonNull {}
