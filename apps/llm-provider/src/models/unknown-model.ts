import { MillraceError } from '@millrace/kernel';

export const unknownModel = (name: string): MillraceError =>
  new MillraceError('invalid', 'unknown_model', `There is no model ${name}. Its provider is none of yours.`, {
    violations: [{ pointer: '/model', message: 'is the model of no provider that there is' }],
  });
