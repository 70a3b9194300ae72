export const tenants = ['acme', 'umbra'] as const;
